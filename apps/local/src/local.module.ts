import { type DynamicModule, Module } from '@nestjs/common';
import { ApiModule } from '#app/api/src/api.module';
import type { Env } from '#config';
import { JobRunnerModule } from '#jobs';

/** Api and worker in one process. */
@Module({})
export class LocalModule {
  static forRoot(env: Env): DynamicModule {
    return { module: LocalModule, imports: [ApiModule.forRoot(env), JobRunnerModule] };
  }
}
