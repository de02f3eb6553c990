import { setImmediate as otherWork } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { addressOf, type CustomerProfile, Customers, Suppressions } from '#customers';
import { Clock, type Tenant } from '#kernel';
import { UniqueCodes } from '#promos';
import { type Channel, type Settings, SettingsService } from '#tenants';
import type { Content } from './content.js';
import { Contacts, noContacts } from './contacts.js';
import { decide, type DeferReason, type SendingRules, type SkipReason } from './decision.js';
import type { DeliveryKey } from './delivery-id.js';
import { type Message, TooLarge } from './message.js';
import type { MailingOptions } from './options.js';
import { ADDRESS_OWNERS, type ClaimedRow, TAKE_ADDRESSES } from './ledger.queries.js';
import { placeOf } from './split.js';
import { isOverLimit } from './template.js';
import { Variants } from './variants.js';
import type { TestState } from './winner.js';
import { Writers } from './writers.js';

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

/** How long the messages of a batch may take to write, in milliseconds: a transaction waits for them. Usual ones take a tenth. */
const COMPOSE_MS = 1_000;

/** What is to happen to claimed rows: some are called with a message, others end here, wait for the next batch, or for their time. */
export interface Prepared {
  messages: { row: ClaimedRow; message: Message; variant: string | null }[];
  settled: { row: ClaimedRow; status: 'skipped' | 'rejected'; reason: string }[];
  postponed: ClaimedRow[];
  deferred: { row: ClaimedRow; reason: DeferReason; until: Date }[];
}

interface Candidate {
  row: ClaimedRow;
  profile: CustomerProfile;
  address: string;
  hash: Buffer;
}

/** Decides who of a batch is written to, and writes the messages. */
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

  /**
   * @param rows all of one channel
   * @returns null when the sender was taken away since the rows were claimed
   */
  async prepare(tx: EntityManager, tenant: Tenant, mailing: MailingAtWork, channel: Channel, rows: readonly ClaimedRow[]): Promise<Prepared | null> {
    const settings = await this.settings.of(tx, tenant);
    if (this.writers.of(tenant, mailing, channel, settings) === null) return null;
    const variants = new Variants(mailing, mailing.ab_test?.winner ?? null);
    const writerOf = (variant: string | null) => this.writers.of(tenant, { ...mailing, content: variants.content(variant), variant }, channel, settings)!;
    const prepared: Prepared = { messages: [], settled: [], postponed: [], deferred: [] };
    const skip = (row: ClaimedRow, reason: SkipReason): void => void prepared.settled.push({ row, status: 'skipped', reason });
    const candidates = await this.admit(tx, tenant, mailing, channel, rows, settings, prepared);
    const owners = await this.takeAddresses(tx, tenant, mailing.campaign_no, channel, candidates);
    const codes = mailing.options.unique_promo_codes ? await this.uniqueCodes.of(tx, tenant, mailing.campaign_no, candidates.map(({ row }) => row.customer_no)) : null;
    const until = performance.now() + COMPOSE_MS;
    for (const { row, profile, address, hash } of candidates) {
      if (!owners.has(row.customer_no)) {
        skip(row, 'duplicate_address');
        continue;
      }
      if (performance.now() > until) {
        prepared.postponed.push(row);
        continue;
      }
      const promoCode = codes?.get(row.customer_no);
      if (codes !== null && promoCode === undefined) {
        prepared.settled.push({ row, status: 'rejected', reason: 'promo_code_missing' });
        continue;
      }
      const key: DeliveryKey = { tenantId: tenant.id, campaignNo: mailing.campaign_no, customerNo: row.customer_no, channel };
      try {
        const variant = row.variant ?? variants.of(row.customer_no); // what somebody has got of it stays, also when two customers are merged
        prepared.messages.push({ row, variant, message: writerOf(variant)(key, { address, hash, promoCode }, profile) });
      } catch (error) {
        prepared.settled.push({ row, status: 'rejected', reason: error instanceof TooLarge ? 'email_too_large' : isOverLimit(error) ? 'template_limit_exceeded' : 'template_failed' });
      }
      await otherWork();
    }
    return prepared;
  }

  /** Consent, suppression, the hour and the cap as they are now, not as they were when the campaign started. */
  private async admit(tx: EntityManager, tenant: Tenant, mailing: MailingAtWork, channel: Channel, rows: readonly ClaimedRow[], settings: Settings, prepared: Prepared): Promise<Candidate[]> {
    const customerNos = rows.map((row) => row.customer_no);
    const now = this.clock.now();
    const { frequency_cap: cap, timezone } = settings;
    const rules: SendingRules = { type: mailing.type, endsAt: mailing.ends_at, now, quietHours: settings.quiet_hours[channel], timezone, cap: cap?.max ?? null, ...wishesOf(mailing.options) };
    const contacts = cap === null || mailing.type === 'transactional' ? noContacts : await this.contacts.count(tx, tenant, cap, mailing.priority, customerNos, now);
    const profiles = await this.customers.profiles(tx, tenant, customerNos);
    const suppressed = await this.suppressions.suppressed(tx, tenant, channel, rows.flatMap((row) => addressIn(profiles, row, channel) ?? []));
    return rows.flatMap((row) => {
      const profile = profiles.get(row.customer_no);
      const address = addressIn(profiles, row, channel);
      const consent = profile?.[`consent_${channel}`] ?? 'unknown';
      const about = { channel, address, consent, suppressed: suppressed.get(address ?? '') ?? null, attempts: row.attempts, heldOut: isHeldOut(mailing, row), timezone: profile?.timezone ?? null, contacts: contacts(row.customer_no) };
      const decision = decide(about, rules);
      if (decision.to === 'skip') prepared.settled.push({ row, status: 'skipped', reason: decision.reason });
      if (decision.to === 'defer') prepared.deferred.push({ row, reason: decision.reason, until: decision.until });
      return decision.to === 'send' ? [{ row, profile: profile!, address: address!, hash: this.suppressions.hash(channel, address!) }] : [];
    });
  }

  /** One address gets one message of a mailing, however many customers share it. @returns the customers whose address it is */
  private async takeAddresses(tx: EntityManager, tenant: Tenant, campaignNo: number, channel: Channel, candidates: readonly Candidate[]): Promise<Set<number>> {
    const values = [tenant.id, campaignNo, channel, candidates.map(({ hash }) => hash), candidates.map(({ row }) => row.customer_no)];
    await tx.query(TAKE_ADDRESSES, values);
    const owners = await tx.query<{ customer_no: number }[]>(ADDRESS_OWNERS, values);
    return new Set(owners.map((owner) => owner.customer_no));
  }
}

/** When the campaign itself wants its messages to come. */
const wishesOf = ({ send_window, local_start }: MailingOptions): Pick<SendingRules, 'sendWindow' | 'localStart'> => ({
  sendWindow: send_window === undefined ? null : { from: send_window.start, to: send_window.end },
  localStart: local_start ?? null,
});

/** By the customer alone: who is held out is so on every channel. */
const isHeldOut = ({ campaign_id, options: { holdout_percent = 0 } }: MailingAtWork, { customer_no }: ClaimedRow): boolean =>
  holdout_percent > 0 && placeOf('holdout', campaign_id, customer_no) * 100 < holdout_percent;

const addressIn = (profiles: Map<number, CustomerProfile>, row: ClaimedRow, channel: Channel): string | null => {
  const profile = profiles.get(row.customer_no);
  return profile === undefined ? null : addressOf(profile, channel);
};
