import { TestEnvironment } from 'jest-environment-node';

/**
 * Loaded in the worker process itself, outside of any spec. When nothing is left to do there, it ends at once: the modules of all its
 * specs make a heap of half a gigabyte, which V8 would take 0.4 s and more to free, object by object, and after 0.5 s jest takes a
 * worker for hung. One that really is, because a spec left a socket or a timer, never comes here, and is told of as before.
 */
process.once('beforeExit', () => process.exit());

export default TestEnvironment;
