import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { JsonObject, Tenant } from '#kernel';

export const TIMELINE_TYPES = ['event', 'delivery', 'redemption', 'rollback', 'consent', 'merge'] as const;
export type TimelineType = (typeof TIMELINE_TYPES)[number];

/** Something that happened to or was done by a customer. What the `data` of each type holds stands in `dto/timeline.dto.ts`. */
export interface TimelineEntry {
  at: Date;
  data: JsonObject;
}

/** Newest first, at most `limit`, those before `before` (null: from the newest); those of one instant always in one order. */
export type Timeline = (tx: EntityManager, tenant: Tenant, customerNo: number, limit: number, before: Date | null) => Promise<TimelineEntry[]>;

/** What a domain knows of a person. Registered while modules initialise. */
export interface PersonalDataSource {
  /** Names its part of the export. */
  name: string;
  timelines: { [Type in TimelineType]?: Timeline };
  /** Everything, as JSON. */
  export(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<unknown>;
  /** Removes or makes anonymous. The customer's row goes last, after every source. */
  erase(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void>;
  /** Gives everything of `from` to `into`, who turned out to be the same person. Called again later, for what messages under way left meanwhile. */
  merge(tx: EntityManager, tenant: Tenant, from: number, into: number): Promise<void>;
}

/** Where each domain says what it keeps of a person, so that timeline, export, erasure and merge miss nothing. */
@Injectable()
export class PersonalData {
  readonly sources: PersonalDataSource[] = [];

  register(source: PersonalDataSource): void {
    if (this.sources.some((known) => known.name === source.name)) throw new Error(`Two sources of personal data named "${source.name}"`);
    this.sources.push(source);
  }
}
