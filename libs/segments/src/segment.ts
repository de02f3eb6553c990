import { eventType } from '#jobs';
import type { JsonObject } from '#kernel';

export const SEGMENT_TYPES = ['static', 'dynamic', 'imported'] as const;
export type SegmentType = (typeof SEGMENT_TYPES)[number];

/** A segment as other domains see it. */
export interface Segment {
  /** For keys and joins, inside only. */
  no: number;
  id: string;
  name: string;
  type: SegmentType;
  size: number;
  criteria: JsonObject | null;
}

/** Customers (by number) that came into or left a segment: at most 10,000 an event, published with the change. */
export const SEGMENT_CHANGED = eventType<{ segment_id: string; entered: number[]; exited: number[] }>('segment.changed');

/** Who came into a segment and who left it, by number. */
export interface Move {
  entered: readonly number[];
  exited: readonly number[];
}

/** A row of `segments`. */
export interface SegmentRow {
  segment_no: number;
  segment_id: string;
  name: string;
  description: string | null;
  type: SegmentType;
  criteria: JsonObject | null;
  size: number;
  last_updated: Date | null;
  created_at: Date;
  updated_at: Date;
  version: number;
}
