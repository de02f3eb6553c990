import { Global, Module } from '@nestjs/common';
import { JobRunner } from './job-runner.js';
import { Jobs } from './jobs.js';
import { WorkerSession } from './worker-session.js';

@Global()
@Module({ providers: [Jobs, WorkerSession], exports: [Jobs, WorkerSession] })
export class JobsModule {}

/** Import in the worker, after every domain: then all handlers are registered when it starts. */
@Module({ providers: [JobRunner] })
export class JobRunnerModule {}
