import { Injectable, type Type } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DtoPipe, textFault, Unstorable } from '#http';
import { DomainError, type Fault, isObject, type Tenant, validationFailed } from '#kernel';
import { SettingsService } from '#tenants';
import type { Criteria } from './criteria.js';
import { CriteriaFields } from './criteria-fields.js';
import { parseCriteria } from './criteria.parse.js';
import { DynamicSegments } from './dynamic-segments.js';
import { relatedIds } from './related-ids.js';
import { dependents } from './segment-graph.js';
import { SegmentError } from './segment.errors.js';

/** Told at once: a list may hold thousands. */
const MOST_STRANGERS = 100;

/** Two that refer to each other at the same moment: the second must see the first. */
const LOCK_GRAPH = `SELECT pg_advisory_xact_lock(hashtext('segment_graph'), $1)`;

/**
 * Reads bodies that carry criteria. Their faults can depend on the tenant (its currency, its segments), so they are found here
 * and not in the pipe; and as they win over other faults of the body, those are found here, too.
 */
@Injectable()
export class SegmentInput {
  private readonly pipe = new DtoPipe();

  constructor(
    private readonly fields: CriteriaFields,
    private readonly settings: SettingsService,
    private readonly dynamic: DynamicSegments,
  ) {}

  /**
   * @param needs whether criteria must, may or must not be there, once the rest of the body is known
   * @param self number of the segment that is changed, null for a new one; without it nothing is going to be stored, so others may go on changing segments
   * @throws SegmentError invalid_segment_criteria, with every fault of the body
   * @throws RequestError validation_failed
   */
  async read<T extends { criteria?: object }>(
    tx: EntityManager, tenant: Tenant, dto: Type<T>, body: unknown, needs: (body: Record<string, unknown>) => 'required' | 'optional' | 'forbidden', self?: number | null,
  ): Promise<{ input: T; criteria: Criteria | null }> {
    const { json, within, beside } = apart(body);
    const { input, faults: others } = beside.length > 0 ? { input: null, faults: beside } : await this.validate(dto, within.length > 0 ? { ...(json as object), criteria: {} } : json);
    const given: Record<string, unknown> = isObject(json) ? json : {};
    const { criteria, faults: found } = await this.criteria(tx, tenant, given.criteria, needs(given), self);
    const faults = [...found, ...within.filter(({ pointer }) => !found.some((fault) => `${pointer}/`.startsWith(`${fault.pointer}/`)))];
    if (faults.length > 0) throw new SegmentError('invalid_segment_criteria', { errors: [...faults, ...others.filter(({ pointer }) => pointer !== '/criteria')] }); // of a null the pipe tells, too
    if (input === null) throw validationFailed(others);
    return { input, criteria };
  }

  /** Until the transaction ends nobody else changes which segment refers to which. Take it before the rows of segments. */
  async lockReferences(tx: EntityManager, tenant: Tenant): Promise<void> {
    await tx.query(LOCK_GRAPH, [tenant.id]);
  }

  private async validate<T>(dto: Type<T>, body: unknown): Promise<{ input: T | null; faults: Fault[] }> {
    try {
      return { input: (await this.pipe.transform(body, { type: 'body', metatype: dto })) as T, faults: [] };
    } catch (error) {
      if (error instanceof DomainError && error.code === 'validation_failed') return { input: null, faults: error.context.errors ?? [] };
      throw error;
    }
  }

  private async criteria(tx: EntityManager, tenant: Tenant, json: unknown, needs: 'required' | 'optional' | 'forbidden', self?: number | null): Promise<{ criteria: Criteria | null; faults: Fault[] }> {
    const fault = (code: string, detail: string) => ({ criteria: null, faults: [{ pointer: '/criteria', code, detail }] });
    if (needs === 'forbidden') return json === undefined || json === null ? { criteria: null, faults: [] } : fault('not_allowed', 'Only a dynamic segment has criteria.');
    if (json === undefined) return needs === 'optional' ? { criteria: null, faults: [] } : fault('required', 'A dynamic segment needs criteria.');
    const { currency } = await this.settings.of(tx, tenant);
    const { criteria, faults, references, whole } = parseCriteria(json, '/criteria', { fields: this.fields, currency });
    if (!whole) return { criteria, faults };
    const asked = references.filter(({ id }) => textFault(id) === null);
    const broken = asked.length === 0 ? [] : await this.brokenReferences(tx, tenant, asked, self);
    const misread = new Set(faults.map(({ pointer }) => pointer));
    const strangers = (await this.strangers(tx, tenant, json)).filter(({ pointer }) => !misread.has(pointer));
    return { criteria, faults: [...faults, ...broken, ...strangers] };
  }

  /** Ids of campaigns and the like that nobody has, nor ever had. */
  private async strangers(tx: EntityManager, tenant: Tenant, json: unknown): Promise<Fault[]> {
    const faults: Fault[] = [];
    for (const [, named] of Map.groupBy(relatedIds(json, '/criteria', this.fields).filter(({ id }) => textFault(id) === null), ({ field }) => field.references)) {
      const { field } = named[0]!;
      const known = new Set(await field.known(tx, tenant, [...new Set(named.map(({ id }) => id))]));
      faults.push(...named.filter(({ id }) => !known.has(id)).slice(0, MOST_STRANGERS).map(({ pointer }) => ({ pointer, ...field.unknown })));
    }
    return faults;
  }

  private async brokenReferences(tx: EntityManager, tenant: Tenant, references: { id: string; pointer: string }[], self?: number | null): Promise<Fault[]> {
    if (self !== undefined) await this.lockReferences(tx, tenant);
    const numbers = await this.dynamic.numbersOf(tx, tenant, [...new Set(references.map(({ id }) => id))]);
    const { graph } = await this.dynamic.all(tx, tenant);
    const behind = self === undefined || self === null ? new Set<number>() : dependents(graph, self).add(self);
    return references.flatMap(({ id, pointer }): Fault[] => {
      const no = numbers.get(id);
      if (no === undefined) return [{ pointer, code: 'unknown_segment', detail: 'There is no such segment.' }];
      return behind.has(no) ? [{ pointer, code: 'segment_cycle', detail: 'That segment refers to this one, so neither could be computed first.' }] : [];
    });
  }
}

/** A body, and what nobody can keep of it: within the criteria, and beside them. */
function apart(body: unknown): { json: unknown; within: Fault[]; beside: Fault[] } {
  if (!(body instanceof Unstorable)) return { json: body, within: [], beside: [] };
  const [within = [], beside = []] = [true, false].map((inside) => body.faults.filter(({ pointer }) => /^\/criteria(\/|$)/.test(pointer!) === inside));
  return { json: body.value, within, beside };
}
