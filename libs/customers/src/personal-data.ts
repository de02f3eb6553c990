import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { JsonObject, Tenant } from '#kernel';

/** In this order where they are of one instant. */
export const TIMELINE_TYPES = ['event', 'delivery', 'redemption', 'rollback', 'consent', 'merge'] as const;
export type TimelineType = (typeof TIMELINE_TYPES)[number];

/** Something that happened to or was done by a customer. What the `data` of each type holds stands in `dto/timeline.dto.ts`. */
export interface TimelineEntry {
  at: Date;
  /** Distinguishes it from others of its type and instant, and orders them. */
  key: string;
  data: JsonObject;
}

/** Behind which entry a timeline goes on: whatever is before `at` (null: everything), and of that instant, if there is a `key`, what comes behind that. */
export interface Position {
  at: Date | null;
  key: string | null;
}

/** Newest first, at most `limit`, those behind the position; those of one instant in the order of their keys. */
export type Timeline = (tx: EntityManager, tenant: Tenant, customerNo: number, limit: number, position: Position) => Promise<TimelineEntry[]>;

/** What a domain knows about a person. Registered while modules initialise. */
export interface PersonalDataSource {
  /** The name of its part of the export. */
  name: string;
  timelines: { [Type in TimelineType]?: Timeline };
  /** Everything, as JSON. */
  export(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<unknown>;
  /** Brings about what waits to be done and outlives the person: opt-outs. Before an erasure locks the customer, so that whatever has begun to work on it can end. */
  settle?(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void>;
  /** Removes or anonymises. The customer's row goes last, after every source. */
  erase(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void>;
  /** Gives everything of `from` to `into`, who turned out to be the same person. Called again later, for what messages under way left meanwhile. */
  merge(tx: EntityManager, tenant: Tenant, from: number, into: number): Promise<void>;
}

/** Where each domain registers what it keeps about a person, so that timeline, export, erasure and merge miss nothing. */
@Injectable()
export class PersonalData {
  readonly sources: PersonalDataSource[] = [];

  register(source: PersonalDataSource): void {
    if (this.sources.some((known) => known.name === source.name)) throw new Error(`Two sources of personal data named "${source.name}"`);
    this.sources.push(source);
  }
}
