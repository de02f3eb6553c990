import { type DynamicModule, Module } from '@nestjs/common';
import { DOMAINS } from '#app/api/src/domains';
import { ConfigModule, type Env } from '#config';
import { DatabaseModule } from '#database';
import { OutboundModule } from '#http';
import { JobRunnerModule, JobsModule } from '#jobs';
import type { Clock } from '#kernel';

/** The background process: the same domains, with their jobs running and without their routes. */
@Module({})
export class WorkerModule {
  static forRoot(env: Env, clock?: Clock): DynamicModule {
    return { module: WorkerModule, imports: [ConfigModule.forRoot(env, clock), DatabaseModule, JobsModule, OutboundModule, ...DOMAINS, JobRunnerModule] };
  }
}
