import { defineConfig } from 'vitest/config';

/** The tests run the very files that ship: built by tsc, on a real PostgreSQL. */
export default defineConfig({
  test: {
    root: 'dist',
    include: ['{libs,apps,test}/**/*.spec.js'],
    globals: true,
    globalSetup: ['test/support/global-setup.js'],
    pool: 'forks',
    maxWorkers: 3, // of two cores: specs wait for crashes, leases and locks as often as they compute
    // Specs of one worker share what they load: to load Nest, TypeORM and all of ours anew for each took a third of the suite's time.
    isolate: false,
    server: { deps: { external: [/\/dist\/(libs|apps)\/(?!.*\.spec\.js$)/] } },
    sequence: { hooks: 'list' },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
