export { type EnqueueOptions, type EventType, type JobHandler, type JobOrigin, type JobType, type JobTypeOptions, type SubscribeOptions, type Sweep, eventType, jobType } from './job.js';
export * from './install-queue.js';
export * from './jobs.js';
export * from './jobs.module.js';
export * from './worker-session.js';
