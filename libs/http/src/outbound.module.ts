import { Global, Module } from '@nestjs/common';
import { Outbound } from './outbound.js';

/** For every process: the worker, too, makes calls, though it has no routes. */
@Global()
@Module({ providers: [Outbound], exports: [Outbound] })
export class OutboundModule {}
