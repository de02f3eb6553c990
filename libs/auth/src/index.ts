export * from './access.js';
export * from './access.guard.js';
export * from './auth.module.js';
export * from './permissions.js';
export * from './principal.js';
export * from './role.js';
export * from './tenant-directory.js';
export * from './token-verifier.js';
