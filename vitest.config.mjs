import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';

/**
 * Vitest's own order (the longest first, or where it knows no durations the largest), but specs that kill processes are dealt in among
 * the others: they wait more than they compute, so side by side they would leave the processor idle, and begun last be waited for.
 */
class Dealt extends BaseSequencer {
  async sort(files) {
    const sorted = await super.sort(files);
    const crashes = sorted.filter(isCrash);
    return sorted.filter((file) => !isCrash(file)).flatMap((file, at) => [...crashes.splice(0, at % 6 === 0 ? 1 : 0), file]).concat(crashes);
  }
}

const isCrash = ({ moduleId }) => moduleId.endsWith('-crash.spec.js');

/** The tests run the very files that ship: built by tsc, on a real PostgreSQL. */
export default defineConfig({
  test: {
    root: 'dist',
    include: ['{libs,apps,test}/**/*.spec.js'],
    globals: true,
    globalSetup: ['test/support/global-setup.js'],
    pool: 'forks',
    maxWorkers: 4, // of two cores: specs wait for crashes, leases and locks as often as they compute
    // Specs of one worker share what they load: to load Nest, TypeORM and all of ours anew for each took a third of the suite's time.
    isolate: false,
    server: { deps: { external: [/\/dist\/(libs|apps)\/(?!.*\.spec\.js$)/] } },
    sequence: { hooks: 'list', sequencer: Dealt },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
