import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Env, Secrets } from '#config';
import { Customers } from '#customers';
import { Database } from '#database';
import { Outbound, retryAfter } from '#http';
import { Jobs, jobType } from '#jobs';
import { Clock, isObject, type Tenant } from '#kernel';
import { CONTACT_PROPERTIES, contactOf, OPTED_OUT } from './normalisers/hubspot.js';
import { eventOf } from './normalisers/inbound-event.js';
import { storable } from './normalisers/json-items.js';
import { type ClaimedEvent, failed, type Outcome, unmatched } from './outcome.js';
import { People } from './people.js';
import { apiTokenContext } from './secrets.js';

/** The most ids per call (https://developers.hubspot.com/docs/api/crm/contacts#retrieve-contacts). */
const MOST_IDS = 100;

/** The longest answer; an ordinary contact takes some hundreds of bytes. */
const MOST_BYTES = 1024 * 1024;

const TIMEOUT_MS = 15_000;

/** How long to keep asking HubSpot, with the queue's backoff, before the events fail. */
const GIVE_UP_MS = 3600 * 1000;

/** Status codes after which a retry may succeed. */
const passes = (status: number): boolean => status === 408 || status === 429 || status >= 500;

const TOKEN = `SELECT api_token AS sealed, api_held_until AS held_until FROM webhook_connections WHERE tenant_id = $1 AND provider = 'hubspot' AND api_token IS NOT NULL`;

/** Stops all requests with the token until `$2`. */
const HOLD = `UPDATE webhook_connections SET api_held_until = greatest(api_held_until, $2) WHERE tenant_id = $1 AND provider = 'hubspot'`;

/** The reason of an event whose contact has not been read from HubSpot yet. */
export const NOT_ASKED = 'contact_not_asked_for_yet';

/** Locks the events `$2` that still wait; those being replayed, or erased, do not. The lock also makes erasures of the people they name wait. */
const WAITING = `
  SELECT id FROM webhook_events WHERE tenant_id = $1 AND provider = 'hubspot' AND id = ANY ($2::text[]) AND status = 'unmatched' AND reason = '${NOT_ASKED}' ORDER BY id FOR UPDATE`;

/** Writes the outcomes of waiting events at `$2`: `$3` ids, `$4` statuses, `$5` reasons. Events replayed in the meantime are left alone. */
const SETTLE_WAITING = `
  UPDATE webhook_events event SET status = done.status, reason = done.reason, processed_at = $2
    FROM unnest($3::text[], $4::text[], $5::text[]) AS done (id, status, reason)
   WHERE event.tenant_id = $1 AND event.provider = 'hubspot' AND event.id = done.id AND event.status = 'unmatched' AND event.reason = '${NOT_ASKED}'`;

interface Question {
  event_id: string;
  contact_id: string;
  name: ClaimedEvent['event']['name'];
  /** RFC 3339. */
  at: string;
}

interface Ask {
  questions: Question[];
  /** When the question first came up (RFC 3339). */
  since: string;
}

/** More retries than the queue's backoff makes in an hour, so that the handler gives up, not the queue. */
const ASK = jobType<Ask>('webhooks-ask-hubspot', { retries: 40, expireSeconds: 120, concurrency: 2 });

/** Properties by contact id. */
type Contacts = Map<string, Record<string, unknown>>;

/** An answer without contacts. */
interface Refusal {
  status: number;
  /** How long HubSpot asks us to wait, in milliseconds. */
  pauseMs: number;
}

/**
 * Reads the contacts of events that contain only contact ids from HubSpot: with the connection's own token, a hundred per call, and never
 * inside a transaction. The answer is the contact's state at the time of asking, so only the order of answers matters, not that of events.
 */
@Injectable()
export class HubSpotContacts implements OnModuleInit {
  private readonly logger = new Logger(HubSpotContacts.name);

  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly outbound: Outbound,
    private readonly customers: Customers,
    private readonly people: People,
    private readonly secrets: Secrets,
    private readonly env: Env,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.jobs.handle(ASK, (tenant, ask, signal) => this.ask(tenant, ask, signal));
  }

  /** Queues the question for the events' contacts, to be asked after this transaction commits. @returns the events' outcomes until then, or for good without a token */
  async wanted(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[]): Promise<Outcome[]> {
    if (claimed.length === 0) return [];
    const [token] = await tx.query<unknown[]>(TOKEN, [tenant.id]);
    if (token === undefined) return claimed.map(() => unmatched('api_token_missing'));
    const questions = claimed.map(({ id, event, at }): Question => ({ event_id: id, contact_id: event.contactId!, name: event.name, at: at.toISOString() }));
    const since = this.clock.now().toISOString();
    for (let from = 0; from < questions.length; from += MOST_IDS) await this.jobs.enqueue(tx, tenant, ASK, { questions: questions.slice(from, from + MOST_IDS), since });
    return claimed.map(() => unmatched(NOT_ASKED));
  }

  private async ask(tenant: Tenant, ask: Ask, signal: AbortSignal): Promise<void> {
    const { questions, since } = ask;
    const access = await this.access(tenant);
    if (access === null) return this.settle(tenant, questions, unmatched('api_token_missing'));
    const askedAt = this.clock.now();
    if (access.heldUntil > askedAt) return this.putOff(tenant, ask, access.heldUntil);
    const patient = askedAt.getTime() - Date.parse(since) < GIVE_UP_MS;
    try {
      const answer = await this.read(access.token, [...new Set(questions.map((one) => one.contact_id))], signal);
      if (answer instanceof Map) return await this.apply(tenant, questions, answer, askedAt);
      if (!passes(answer.status)) return await this.settle(tenant, questions, failed(`hubspot_${answer.status}`));
      if (answer.pauseMs > 0 && patient) return await this.putOff(tenant, ask, new Date(this.clock.now().getTime() + answer.pauseMs));
      throw new Error(`HubSpot answered ${answer.status}`);
    } catch (error) {
      if (patient) throw error; // asked again by the queue, later and later
      this.logger.error({ msg: 'HubSpot’s contacts could not be read', tenant: tenant.name, err: error });
      await this.settle(tenant, questions, failed('hubspot_unavailable'));
    }
  }

  private async access(tenant: Tenant): Promise<{ token: string; heldUntil: Date } | null> {
    const [row] = await this.database.rows<{ sealed: Buffer; held_until: Date | null }>(tenant, { text: TOKEN, values: [tenant.id], name: 'webhook_hubspot_token' });
    return row === undefined ? null : { token: this.secrets.open(row.sealed, apiTokenContext(tenant)), heldUntil: row.held_until ?? new Date(0) };
  }

  /** HubSpot's `Retry-After` applies to all of the tenant's questions: earlier requests are refused, and still count against the limit. */
  private putOff(tenant: Tenant, ask: Ask, until: Date): Promise<void> {
    return this.database.inTenant(tenant, async (tx) => {
      await tx.query(HOLD, [tenant.id, until]);
      await this.jobs.enqueue(tx, tenant, ASK, ask, { startAfter: until });
    });
  }

  /** @throws if there is no connection, no answer in time, or one that cannot be read */
  private async read(token: string, ids: readonly string[], signal: AbortSignal): Promise<Contacts | Refusal> {
    const response = await this.outbound.fetch(`${this.env.HUBSPOT_API_URL}/crm/v3/objects/contacts/batch/read`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ inputs: ids.map((id) => ({ id })), properties: [...CONTACT_PROPERTIES, OPTED_OUT] }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      mostBytes: MOST_BYTES,
    });
    if (!response.ok) return { status: response.status, pauseMs: retryAfter(response.headers.get('retry-after'), new Date()) };
    const answer: unknown = await response.json();
    if (!isObject(answer) || !Array.isArray(answer.results)) throw new Error('HubSpot answered with no results');
    const results = answer.results.map(storable).filter(isObject);
    return new Map(results.flatMap(({ id, properties }) => (typeof id === 'string' && isObject(properties) ? [[id, properties]] : [])));
  }

  /** Commits the contacts, as they were when HubSpot was asked, together with the outcomes of their events. */
  private async apply(tenant: Tenant, questions: readonly Question[], contacts: Contacts, askedAt: Date): Promise<void> {
    await this.database.inTenant(tenant, async (tx) => {
      const rows = await tx.query<{ id: string }[]>(WAITING, [tenant.id, questions.map((one) => one.event_id)]);
      const waiting = new Set(rows.map((row) => row.id));
      await this.applyWaiting(tx, tenant, questions.filter((one) => waiting.has(one.event_id)), contacts, askedAt);
    });
  }

  private async applyWaiting(tx: EntityManager, tenant: Tenant, questions: readonly Question[], contacts: Contacts, askedAt: Date): Promise<void> {
    const found = questions.filter((one) => contacts.has(one.contact_id));
    const told = found.map((one) => toEvent(one, contacts.get(one.contact_id)!));
    const introduced = told.filter(({ event }) => event.introduces);
    const optedOut = told.filter(({ event }, index) => event.name === 'unsubscribed' || (event.name === 'contact_created' && contacts.get(found[index]!.contact_id)![OPTED_OUT] === 'true'));
    const made = await this.people.applyContacts(tx, tenant, introduced, askedAt);
    const { outcomes, changes, closed } = await this.people.consentsOf(tx, tenant, optedOut.map((one) => ({ ...one, event: { ...one.event, name: 'unsubscribed', channel: 'email' } })));
    await this.customers.setConsent(tx, tenant, changes, closed);
    const known = new Map([...optedOut.map((one, index) => [one.id, outcomes[index]!] as const), ...introduced.map((one, index) => [one.id, made[index]!] as const)]);
    await this.write(tx, tenant, questions, questions.map((one) => known.get(one.event_id) ?? unmatched('unknown_contact')));
  }

  private settle(tenant: Tenant, questions: readonly Question[], outcome: Outcome): Promise<void> {
    return this.database.inTenant(tenant, (tx) => this.write(tx, tenant, questions, questions.map(() => outcome)));
  }

  private async write(tx: EntityManager, tenant: Tenant, questions: readonly Question[], outcomes: readonly Outcome[]): Promise<void> {
    await tx.query(SETTLE_WAITING, [tenant.id, this.clock.now(), questions.map((one) => one.event_id), outcomes.map((one) => one.status), outcomes.map((one) => one.reason)]);
  }
}

const toEvent = ({ event_id: id, contact_id: contactId, name, at }: Question, properties: Record<string, unknown>): ClaimedEvent => ({
  id,
  provider: 'hubspot',
  event: eventOf({ name, contactId, introduces: name !== 'unsubscribed', ...contactOf(properties) }),
  at: new Date(at),
});
