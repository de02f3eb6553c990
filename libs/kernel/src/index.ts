export * from './clock.js';
export * from './domain-error.js';
export * from './ids.js';
export * from './json.js';
export * from './local-day.js';
export * from './money.js';
export * from './page.js';
export * from './tenant.js';
