import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, type Tenant } from '#kernel';
import type { Message } from '../message.js';
import { type Channel, goesOver, type Outcome, waysOf } from './channel.js';
import { Circuit } from './circuit.js';
import { type Grant, takeFrom, waitFor } from './rate-window.js';

/** Creates the row before anybody looks: two transactions that found none would both take from an empty one. */
const KNOW = 'INSERT INTO channel_rates (tenant_id, provider) VALUES ($1, $2) ON CONFLICT DO NOTHING';
const LOOK = 'SELECT grants FROM channel_rates WHERE tenant_id = $1 AND provider = $2';
const KEEP = 'UPDATE channel_rates SET grants = $3 WHERE tenant_id = $1 AND provider = $2';

/** How many messages may leave now, and how many milliseconds to wait before it pays to ask again; 0 if unknown. */
export interface Room {
  messages: number;
  waitMs: number;
}

/** The provider's health, and until when deferred messages are spread, in milliseconds. */
interface State {
  circuit: Circuit;
  spreadUntil: number;
}

/** The furthest ahead that messages are spread, and their pace where no rate is set. */
const HORIZON_MS = 60_000;
const PER_SECOND = 1_000;

/**
 * How fast each tenant sends over each provider. The rate is counted in the database, since it holds for all workers together; each
 * worker finds out by itself whether the provider takes calls at all.
 */
@Injectable()
export class Paces {
  /** By channel, then by tenant. New credentials make a new channel, which begins with a closed circuit. */
  private readonly states = new WeakMap<Channel, Map<number, State>>();

  constructor(private readonly clock: Clock) {}

  /** For a channel over several providers, what all of them have together. */
  async room(tx: EntityManager, tenant: Tenant, channel: Channel, wanted = channel.batch): Promise<Room> {
    const now = this.clock.now().getTime();
    const { provider, perSecond, ways } = channel;
    if (ways !== undefined) {
      const rooms: Room[] = [];
      for (const way of ways) rooms.push(await this.room(tx, tenant, way, wanted));
      const waits = rooms.flatMap(({ waitMs }) => (waitMs > 0 ? [waitMs] : []));
      return { messages: Math.min(wanted, rooms.reduce((sum, { messages }) => sum + messages, 0)), waitMs: waits.length === 0 ? 0 : Math.min(...waits) };
    }
    const allowed = this.allowed(tenant, channel, wanted);
    if (perSecond === null || allowed === 0) return { messages: allowed, waitMs: 0 };
    const [row] = await tx.query<{ grants: Grant[] }[]>(LOOK, [tenant.id, provider]);
    const grants = row?.grants ?? [];
    return { messages: takeFrom(grants, perSecond, now, allowed).granted, waitMs: waitFor(grants, perSecond, now) };
  }

  /**
   * Takes room for as many of `wanted` messages as there is; the tenant's other workers wait until the transaction ends. Call it right
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

  /** How many of `wanted` messages may go, as far as the provider's health is concerned. */
  allowed(tenant: Tenant, channel: Channel, wanted: number): number {
    return this.state(tenant, channel).circuit.allows(this.clock.now().getTime(), wanted);
  }

  /**
   * When to look again at messages that a provider has no room for while another of the same channel has some: one after the other. If all
   * were due at once, all of them would be looked at for each that can go, and would block the other provider's.
   */
  later(tenant: Tenant, way: Channel, messages: number): Date[] {
    const state = this.state(tenant, way);
    const now = this.clock.now().getTime();
    const from = Math.max(now, state.circuit.opensAt, Math.min(state.spreadUntil, now + HORIZON_MS));
    const at = (place: number): number => from + (1_000 * place) / (way.perSecond ?? PER_SECOND);
    state.spreadUntil = at(messages);
    return Array.from({ length: messages }, (_, place) => new Date(at(place + 1)));
  }

  /** Records a batch's outcomes, each at the index of its message. */
  heard(tenant: Tenant, channel: Channel, messages: readonly Message[], outcomes: readonly Outcome[]): void {
    const now = this.clock.now().getTime();
    for (const way of waysOf(channel)) this.state(tenant, way).circuit.heard(now, outcomes.filter((_, at) => goesOver(channel, messages[at]!, way)));
  }

  /** Whether every provider of the channel takes no calls, or has not yet shown that it takes them again. */
  isShut(tenant: Tenant, channel: Channel): boolean {
    return waysOf(channel).every((way) => this.allowed(tenant, way, 2) < 2);
  }

  private state(tenant: Tenant, channel: Channel): State {
    let states = this.states.get(channel);
    if (states === undefined) this.states.set(channel, (states = new Map<number, State>()));
    let state = states.get(tenant.id);
    if (state === undefined) states.set(tenant.id, (state = { circuit: new Circuit(), spreadUntil: 0 }));
    return state;
  }
}
