export * from './funnels.module.js';
