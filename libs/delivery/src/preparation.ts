import { setImmediate as otherWork } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { addressOf, type CustomerProfile, Customers, Suppressions } from '#customers';
import { together } from '#database';
import { Clock, type Tenant } from '#kernel';
import { UniqueCodes } from '#promos';
import { type Channel, type Settings, SettingsService } from '#tenants';
import type { Content } from './content.js';
import { Contacts, noContacts } from './contacts.js';
import { decide, type DeferReason, type SendingRules, type SkipReason } from './decision.js';
import type { DeliveryKey } from './delivery-id.js';
import type { Message } from './message.js';
import { type MailingOptions, sendWindowOf } from './options.js';
import type { ClaimedRow } from './ledger.queries.js';
import { LEFT_BEHIND } from './merge.queries.js';
import { SharedAddresses } from './shared-addresses.js';
import { isHeldOut } from './split.js';
import { inTime } from './template.js';
import { Variants } from './variants.js';
import type { TestState } from './winner.js';
import { faultOf, Writers } from './writers.js';

/** A mailing, as far as its sending needs it. */
export interface MailingAtWork {
  campaign_no: number;
  campaign_id: string;
  state: 'running' | 'paused' | 'canceled' | 'finished';
  type: string;
  channels: Channel[];
  content: Content;
  promo_code: string | null;
  ends_at: Date | null;
  priority: number;
  promo_id: string | null;
  options: MailingOptions;
  /** Where its test stands; null without one. */
  ab_test: TestState | null;
  /** Rows that are due before it wait for something else than their time. */
  claims_from: string;
  snapshot_done: boolean;
  /** The channels on which there are rows to be sent now, or to be skipped where it is canceled. */
  due: Channel[];
  lost: boolean;
  settled: boolean;
}

/** How long composing a batch may take, in milliseconds, since a transaction waits for it. Usual batches take a tenth of this. */
const COMPOSE_MS = 1_000;

/** How long a message waits, at least, for the outcome of another to the same person. */
const MERGING_MS = 2_000;

/** What to do with claimed rows: send a message, settle them without one, leave them to the next batch, or defer them. */
export interface Prepared {
  messages: { row: ClaimedRow; message: Message; variant: string | null }[];
  settled: { row: ClaimedRow; status: 'skipped' | 'rejected'; reason: string }[];
  postponed: ClaimedRow[];
  deferred: { row: ClaimedRow; reason: DeferReason; until: Date }[];
}

/** What was read about a batch beforehand. */
interface Known {
  settings: Settings;
  profiles: Map<number, CustomerProfile>;
  /** Merges that concern them: from the number that was merged away to the number they have now. */
  merges: Map<number, number>;
}

interface Candidate {
  row: ClaimedRow;
  profile: CustomerProfile;
  address: string;
  hash: Buffer;
}

/** Decides who of a batch gets a message, and composes the messages. */
@Injectable()
export class Preparation {
  constructor(
    private readonly clock: Clock,
    private readonly customers: Customers,
    private readonly suppressions: Suppressions,
    private readonly settings: SettingsService,
    private readonly writers: Writers,
    private readonly contacts: Contacts,
    private readonly uniqueCodes: UniqueCodes,
  ) {}

  /** Reads what the decision needs to know. Merges are read last, so that one that happens in between is noticed. */
  async look(tx: EntityManager, tenant: Tenant, rows: readonly ClaimedRow[]): Promise<Known> {
    const customerNos = rows.map((row) => row.customer_no);
    const [settings, profiles, merges] = await together(this.settings.of(tx, tenant), this.customers.profiles(tx, tenant, customerNos), this.customers.mergesOf(tx, tenant, customerNos));
    return { settings, profiles, merges };
  }

  /**
   * @param rows all of one channel
   * @returns null when the sender address was removed after the rows were claimed
   */
  async prepare(tx: EntityManager, tenant: Tenant, mailing: MailingAtWork, channel: Channel, rows: readonly ClaimedRow[], known: Known): Promise<Prepared | null> {
    const { settings } = known;
    if (this.writers.of(tenant, mailing, channel, settings) === null) return null;
    const variants = new Variants(mailing, mailing.ab_test?.winner ?? null);
    const writerOf = (variant: string | null) => this.writers.of(tenant, { ...mailing, content: variants.content(variant), variant }, channel, settings)!;
    const prepared: Prepared = { messages: [], settled: [], postponed: [], deferred: [] };
    const skip = (row: ClaimedRow, reason: SkipReason): void => void prepared.settled.push({ row, status: 'skipped', reason });
    const candidates = await this.admit(tx, tenant, mailing, channel, rows, known, prepared);
    const addresses = await SharedAddresses.take(tx, tenant, mailing.campaign_no, channel, candidates);
    const codes = mailing.options.unique_promo_codes ? await this.uniqueCodes.of(tx, tenant, mailing.campaign_no, candidates.map(({ row }) => row.customer_no)) : null;
    const until = performance.now() + COMPOSE_MS;
    for (const candidate of addresses.inOrder(candidates)) {
      const { row, profile, address, hash } = candidate;
      if (!addresses.isFor(candidate)) {
        skip(row, 'duplicate_address');
        continue;
      }
      if (performance.now() > until) {
        prepared.postponed.push(row);
        addresses.leave(candidate);
        continue;
      }
      const promoCode = codes?.get(row.customer_no);
      if (codes !== null && promoCode === undefined) {
        prepared.settled.push({ row, status: 'rejected', reason: 'promo_code_missing' });
        addresses.leave(candidate);
        continue;
      }
      const key: DeliveryKey = { tenantId: tenant.id, campaignNo: mailing.campaign_no, customerNo: row.customer_no, channel };
      try {
        const variant = row.variant ?? variants.of(row.customer_no); // a variant once sent stays, even if a merge would draw another
        prepared.messages.push({ row, variant, message: inTime(() => writerOf(variant)(key, { address, hash, promoCode }, profile)) });
      } catch (error) {
        prepared.settled.push({ row, status: 'rejected', reason: faultOf(error) });
        addresses.leave(candidate);
      }
      await otherWork();
    }
    await addresses.keep(tx);
    return prepared;
  }

  /** Checks consent, suppression, hours and cap as they are now, not as they were when the campaign started. */
  private async admit(tx: EntityManager, tenant: Tenant, mailing: MailingAtWork, channel: Channel, rows: readonly ClaimedRow[], known: Known, prepared: Prepared): Promise<Candidate[]> {
    const { settings } = known;
    const now = this.clock.now();
    const { frequency_cap: cap, timezone } = settings;
    const rules: SendingRules = { type: mailing.type, endsAt: mailing.ends_at, now, quietHours: settings.quiet_hours[channel], timezone, cap: cap?.max ?? null, ...wishesOf(mailing.options) };
    const isCapped = cap !== null && mailing.type !== 'transactional';
    const contacts = isCapped ? await this.contacts.count(tx, tenant, cap, mailing.priority, rows.map((row) => row.customer_no), now) : noContacts;
    const { profiles, merges } = isCapped ? await this.look(tx, tenant, rows) : known; // what was read before waiting for the turn may be out of date
    const suppressed = await this.suppressions.suppressed(tx, tenant, channel, rows.flatMap((row) => addressIn(profiles, row, channel) ?? []));
    const merging = await this.merging(tx, tenant, mailing.campaign_no, channel, merges);
    return rows.flatMap((row) => {
      if (merging.has(row.customer_no)) {
        prepared.deferred.push({ row, reason: 'merging', until: new Date(now.getTime() + MERGING_MS) });
        return [];
      }
      const profile = profiles.get(row.customer_no);
      const address = addressIn(profiles, row, channel);
      const consent = profile?.[`consent_${channel}`] ?? 'unknown';
      const about = { channel, address, consent, suppressed: suppressed.get(address ?? '') ?? null, attempts: row.attempts, heldOut: isHeldOut(mailing.campaign_id, row.customer_no, mailing.options), timezone: profile?.timezone ?? null, contacts: contacts(row.customer_no) };
      const decision = decide(about, rules);
      if (decision.to === 'skip') prepared.settled.push({ row, status: 'skipped', reason: decision.reason });
      if (decision.to === 'defer') prepared.deferred.push({ row, reason: decision.reason, until: decision.until });
      return decision.to === 'send' ? [{ row, profile: profile!, address: address!, hash: this.suppressions.hash(channel, address!) }] : [];
    });
  }

  /**
   * A message that is being sent when its customer is merged away keeps its old number, and the survivor waits for its outcome, so that one person gets
   * one message. Rows left behind that are settled by now are handed to the survivor. @returns the customers who wait
   */
  private async merging(tx: EntityManager, tenant: Tenant, campaignNo: number, channel: Channel, merges: ReadonlyMap<number, number>): Promise<Set<number>> {
    if (merges.size === 0) return new Set();
    const left = await tx.query<{ customer_no: number; status: string }[]>(LEFT_BEHIND, [tenant.id, campaignNo, channel, [...merges.keys()]]);
    await this.customers.mergeAgain(tx, tenant, left.flatMap(({ customer_no, status }) => (status === 'calling' ? [] : [customer_no])));
    return new Set(left.flatMap(({ customer_no }) => [customer_no, merges.get(customer_no)!]));
  }
}

/** The hours that the campaign itself asks for. */
const wishesOf = (options: MailingOptions): Pick<SendingRules, 'sendWindow' | 'localStart'> => ({ sendWindow: sendWindowOf(options), localStart: options.local_start ?? null });

const addressIn = (profiles: Map<number, CustomerProfile>, row: ClaimedRow, channel: Channel): string | null => {
  const profile = profiles.get(row.customer_no);
  return profile === undefined ? null : addressOf(profile, channel);
};
