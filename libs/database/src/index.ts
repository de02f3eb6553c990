export * from './connection-options.js';
export * from './database.js';
export * from './database.module.js';
export * from './heavy-reads.js';
export * from './migrate.js';
export * from './row-counts.js';
export * from './tenant-table.js';
