export type { Criteria, EventCondition, Test } from './criteria.js';
export { CriteriaFields, type EventSource } from './criteria-fields.js';
export type { RelationField } from './field.js';
export { Params } from './params.js';
export { SEGMENT_CHANGED, type Segment, type SegmentType } from './segment.js';
export { SegmentError } from './segment.errors.js';
export { SegmentUse, type SegmentUser } from './segment-use.js';
export { Segments } from './segments.js';
export * from './segments.module.js';
