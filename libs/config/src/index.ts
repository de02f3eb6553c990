export * from './config.module.js';
export * from './env.js';
export * from './secrets.js';
