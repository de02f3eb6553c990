import { DynamicModule, Global, Module } from '@nestjs/common';
import { Clock, SystemClock } from '#kernel';
import { Env } from './env.js';
import { Secrets } from './secrets.js';

/** Makes the validated environment and the clock injectable everywhere. */
@Global()
@Module({})
export class ConfigModule {
  static forRoot(env: Env, clock: Clock = new SystemClock()): DynamicModule {
    return {
      module: ConfigModule,
      providers: [
        Secrets,
        { provide: Env, useValue: env },
        { provide: Clock, useValue: clock },
      ],
      exports: [Env, Clock, Secrets],
    };
  }
}
