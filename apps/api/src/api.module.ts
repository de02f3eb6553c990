import { type DynamicModule, Module } from '@nestjs/common';
import { AuthModule } from '#auth';
import { ConfigModule, type Env } from '#config';
import { DatabaseModule } from '#database';
import { HttpModule, OutboundModule } from '#http';
import { JobsModule } from '#jobs';
import type { Clock } from '#kernel';
import { DOMAINS } from './domains.js';
import { HealthController, Readiness } from './health.controller.js';

/** The HTTP process: the domains and their access control. */
@Module({ controllers: [HealthController], providers: [Readiness] })
export class ApiModule {
  static forRoot(env: Env, clock?: Clock): DynamicModule {
    return {
      module: ApiModule,
      imports: [ConfigModule.forRoot(env, clock), DatabaseModule, JobsModule, AuthModule, HttpModule, OutboundModule, ...DOMAINS],
    };
  }
}
