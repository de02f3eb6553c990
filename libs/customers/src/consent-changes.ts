import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Jobs } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import { lockAddresses, lockAllAddresses, type TouchedAddress } from './address-locks.js';
import { type ConsentVoice, decideConsent } from './consent.js';
import { LOG_CONSENTS } from './customers.queries.js';
import type { Draft } from './draft.js';
import { CUSTOMERS_OPTED_OUT, optOutsIn } from './opt-outs.js';
import { addressOf, applyPatch, CHANNELS, type Channel, type Consent, consentOf, type ConsentPatch, type ConsentStatus, type ProfilePatch, withConsent } from './profile.js';
import { Holders } from './shared-addresses.js';
import { type ClosedAddress, isOptOut, type Suppression, type SuppressionEntry, type SuppressionOf, Suppressions } from './suppressions.js';

export interface ConsentChange {
  customerNo: number;
  channel: Channel;
  consent: Consent;
  /** The customer's consent before. */
  was: ConsentStatus;
  address: string | null;
  /** Takes back the address's opt-out. */
  lifts: boolean;
  /** Opts the address out, which it was not before. */
  closes: boolean;
}

/** The consents of profiles being written: what they become, and what follows from it for addresses. */
@Injectable()
export class ConsentChanges {
  constructor(
    private readonly clock: Clock,
    private readonly jobs: Jobs,
    private readonly suppressions: Suppressions,
  ) {}

  /** Locks what is touched and what is closed, and closes that. */
  async lockAddresses(tx: EntityManager, tenant: Tenant, touched: readonly TouchedAddress[], closed: readonly ClosedAddress[]): Promise<void> {
    await lockAddresses(tx, tenant, this.suppressions, [...touched, ...closed.map(({ channel, address }) => ({ channel, address, alone: true }))]);
    await this.suppressions.add(tx, tenant, await this.suppressions.notLifted(tx, tenant, closed));
  }

  /** Whether nothing stands against any address of the tenant, and will not until the transaction ends. */
  async nothingStands(tx: EntityManager, tenant: Tenant): Promise<boolean> {
    await lockAllAddresses(tx, tenant);
    return this.suppressions.none(tx, tenant);
  }

  /** What stands against the addresses, and those that were closed. */
  suppressionsOf(tx: EntityManager, tenant: Tenant, addresses: readonly { channel: Channel; address: string }[], closed: readonly ClosedAddress[]): Promise<SuppressionOf> {
    return this.suppressions.find(tx, tenant, [...addresses, ...closed.flatMap(({ channel, address }) => (typeof address === 'string' ? [{ channel, address }] : []))]);
  }

  /**
   * Fills in the drafts, row by row, each as if it came by itself: an opt-out is of the address that the customer has at its row, and of
   * whoever of the drafts has it then.
   */
  fill(drafts: Iterable<Draft>, rows: readonly { draft: Draft; patch: ProfilePatch }[], suppressions: SuppressionOf, voice: ConsentVoice, closed: readonly ClosedAddress[] = []): ConsentChange[] {
    const now = this.clock.now();
    const holders = new Holders(drafts);
    const changes: ConsentChange[] = [];
    /** What the rows before have made of the suppressions. */
    const made = new Map<string, Suppression | null>();
    const standing = (channel: Channel, address: string): Suppression | null => {
      const known = made.size === 0 ? undefined : made.get(`${channel}:${address}`);
      return known === undefined ? suppressions(channel, address) : known;
    };
    const say = (draft: Draft, channel: Channel, wanted: ConsentPatch | null | undefined): ConsentChange | null => {
      const address = addressOf(draft.now, channel);
      const found = address === null ? null : standing(channel, address);
      if (wanted === undefined && found === null && draft.now.consents[channel] === undefined) return null; // nothing was ever said about this channel
      const optedOutAt = found !== null && isOptOut(found.reason) ? found.at : null;
      const sameAddress = address === addressOf(draft.before, channel);
      const said = consentOf(draft.now, channel);
      const decided = decideConsent({ consent: said, optedOutAt, sameAddress, lifted: address !== null && found === null }, wanted, voice, now);
      if (decided === null) return null;
      const { consent, lifts } = decided;
      draft.now = withConsent(draft.now, channel, consent);
      const at = instant(consent, now);
      const closes = consent.status === 'unsubscribed' && address !== null && (found === null || found.at < at);
      if (closes) made.set(`${channel}:${address}`, { reason: found === null || isOptOut(found.reason) ? 'unsubscribed' : found.reason, at });
      if (lifts && optedOutAt !== null) made.set(`${channel}:${address}`, null);
      const change: ConsentChange = { customerNo: draft.now.customer_no, channel, address, consent, was: said.status, lifts, closes };
      changes.push(change);
      return change;
    };
    /** Who has opted out already keeps the date. */
    const tell = (channel: Channel, address: string, consent: Consent): void => {
      for (const holder of holders.of(channel, address)) if (consentOf(holder.now, channel).status !== 'unsubscribed') say(holder, channel, consent);
    };
    for (const { channel, address, source, at } of closed) {
      if (source === undefined || typeof address !== 'string') continue;
      tell(channel, address, { status: 'unsubscribed', source, at: at.toISOString() });
    }
    for (const { draft, patch } of rows) {
      const before = draft.now;
      draft.now = applyPatch(before, patch);
      holders.follow(draft, before);
      for (const channel of CHANNELS) {
        const wanted = patch.consents === null ? null : patch.consents?.[channel];
        const change = say(draft, channel, wanted);
        if (change === null || change.address === null || change.consent.status !== 'unsubscribed') continue;
        if (wanted?.status !== 'unsubscribed' && !change.closes) continue;
        tell(channel, change.address, change.consent);
      }
    }
    return changes;
  }

  /** Logs the changes, tells of those who left, and has the addresses follow: an opt-out suppresses, a consent given anew lifts; of several the last one. */
  async record(tx: EntityManager, tenant: Tenant, changes: readonly ConsentChange[]): Promise<void> {
    if (changes.length === 0) return;
    const now = this.clock.now();
    await tx.query(LOG_CONSENTS, [
      tenant.id,
      changes.map((change) => change.customerNo),
      changes.map((change) => change.channel),
      changes.map((change) => change.consent.status),
      changes.map((change) => change.consent.source),
      changes.map((change) => instant(change.consent, now)),
    ]);
    const lifted = new Map<string, { channel: Channel; address: string }>();
    const added = new Map<string, SuppressionEntry>();
    for (const { channel, address, consent, lifts, closes } of changes) {
      if (address === null) continue;
      const key = `${channel}:${address}`;
      if (lifts) lifted.set(key, { channel, address });
      if (lifts) added.delete(key);
      if (closes) added.set(key, { channel, address, reason: 'unsubscribed', at: instant(consent, now) });
    }
    await this.suppressions.liftAll(tx, tenant, [...lifted.values()]);
    await this.suppressions.add(tx, tenant, [...added.values()]);
    const opt_outs = optOutsIn(changes).map(({ customerNo, channel, consent }) => ({ customer_no: customerNo, channel, at: instant(consent, now).toISOString() }));
    if (opt_outs.length > 0) await this.jobs.publish(tx, tenant, CUSTOMERS_OPTED_OUT, { opt_outs });
  }
}

const instant = (consent: Consent, now: Date): Date => (consent.at === null ? now : new Date(consent.at));
