export * from './bodies.js';
export * from './http.module.js';
export { parseJson, textFault } from './json-body.js';
export * from './page.dto.js';
export * from './problem.js';
export { sendProblem } from './problem.filter.js';
export { BODY_EXAMPLES, MEBIBYTE, Route, ROUTE, type RouteSpec } from './route.js';
export { DtoPipe, type WinningFault } from './validation.pipe.js';
export * from './versioned.js';
