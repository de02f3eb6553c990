import { Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { ExpectedInputGuard } from './expected-input.guard.js';
import { ProblemFilter } from './problem.filter.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { DtoPipe } from './validation.pipe.js';

/** How every route reads requests, refuses and answers. Import after AuthModule: the rate limit counts per tenant, which the access guard identifies. */
@Global()
@Module({
  providers: [
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_GUARD, useClass: RateLimitGuard },
    { provide: APP_GUARD, useClass: ExpectedInputGuard },
    { provide: APP_PIPE, useClass: DtoPipe },
  ],
})
export class HttpModule {}
