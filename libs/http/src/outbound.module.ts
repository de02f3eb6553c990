import { Global, Module } from '@nestjs/common';
import { Outbound } from './outbound.js';

/** The way out, for every process: the worker sends, and has no routes. */
@Global()
@Module({ providers: [Outbound], exports: [Outbound] })
export class OutboundModule {}
