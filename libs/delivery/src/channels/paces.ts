import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, type Tenant } from '#kernel';
import type { Channel, Outcome } from './channel.js';
import { Circuit } from './circuit.js';
import { type Grant, takeFrom, waitFor } from './rate-window.js';

/** Two who find no row would both take from an empty one: there is one before either looks. */
const KNOW = 'INSERT INTO channel_rates (tenant_id, provider) VALUES ($1, $2) ON CONFLICT DO NOTHING';
const LOOK = 'SELECT grants FROM channel_rates WHERE tenant_id = $1 AND provider = $2';
const KEEP = 'UPDATE channel_rates SET grants = $3 WHERE tenant_id = $1 AND provider = $2';

/** How many messages may leave now, and how many milliseconds to wait before it pays to ask again; 0 where nobody knows. */
export interface Room {
  messages: number;
  waitMs: number;
}

/**
 * How fast each tenant sends over each provider. The rate is counted in the database, since it holds for all workers together; whether the
 * provider takes calls at all, each worker finds out by itself.
 */
@Injectable()
export class Paces {
  /** Of each channel, by tenant. New credentials are a channel anew, and begin with a closed circuit. */
  private readonly circuits = new WeakMap<Channel, Map<number, Circuit>>();

  constructor(private readonly clock: Clock) {}

  async room(tx: EntityManager, tenant: Tenant, channel: Channel, wanted = channel.batch): Promise<Room> {
    const now = this.clock.now().getTime();
    const { provider, perSecond } = channel;
    const allowed = this.circuit(tenant, channel).allows(now, wanted);
    if (perSecond === null || allowed === 0) return { messages: allowed, waitMs: 0 };
    const [row] = await tx.query<{ grants: Grant[] }[]>(LOOK, [tenant.id, provider]);
    const grants = row?.grants ?? [];
    return { messages: takeFrom(grants, perSecond, now, allowed).granted, waitMs: waitFor(grants, perSecond, now) };
  }

  /**
   * Takes room for as many of `wanted` messages as there is; the tenant's other workers wait until the transaction ends. To be called right
   * before the messages leave.
   */
  async take(tx: EntityManager, tenant: Tenant, { provider, perSecond }: Channel, wanted: number): Promise<number> {
    if (perSecond === null || wanted === 0) return wanted;
    await tx.query(KNOW, [tenant.id, provider]);
    const [row] = await tx.query<{ grants: Grant[] }[]>(`${LOOK} FOR UPDATE`, [tenant.id, provider]);
    const { granted, grants } = takeFrom(row!.grants, perSecond, this.clock.now().getTime(), wanted);
    await tx.query(KEEP, [tenant.id, provider, JSON.stringify(grants)]);
    return granted;
  }

  /** Takes note of what became of a batch. */
  heard(tenant: Tenant, channel: Channel, outcomes: readonly Outcome[]): void {
    this.circuit(tenant, channel).heard(this.clock.now().getTime(), outcomes);
  }

  /** Whether the provider does not take calls, or has not shown yet that it does again. */
  isShut(tenant: Tenant, channel: Channel): boolean {
    return this.circuit(tenant, channel).allows(this.clock.now().getTime(), 2) < 2;
  }

  private circuit(tenant: Tenant, channel: Channel): Circuit {
    let circuits = this.circuits.get(channel);
    if (circuits === undefined) this.circuits.set(channel, (circuits = new Map<number, Circuit>()));
    let circuit = circuits.get(tenant.id);
    if (circuit === undefined) circuits.set(tenant.id, (circuit = new Circuit()));
    return circuit;
  }
}
