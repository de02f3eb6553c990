/** The tests run the very files that ship: built by tsc, on a real PostgreSQL. */
export default {
  rootDir: 'dist',
  roots: ['<rootDir>/libs', '<rootDir>/apps', '<rootDir>/test'],
  testMatch: ['**/*.spec.js'],
  transform: {},
  testEnvironment: '<rootDir>/test/support/environment.js',
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  maxWorkers: 3, // of two cores: specs wait for crashes, leases and locks as often as they compute
  testTimeout: 60_000,
};
