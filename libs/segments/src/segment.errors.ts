import { domainError } from '#kernel';

export class SegmentError extends domainError({
  invalid_segment_criteria: [400, 'Segment criteria malformed'],
  segment_not_found: [404, 'There is no such segment.'],
  segment_field_not_found: [404, 'There is no such field, or none whose values can be suggested.'],
  segment_member_not_found: [404, 'The customer is not a member of the segment.'],
  invalid_state: [409, 'The segment’s type or use does not permit this.'],
}) {}
