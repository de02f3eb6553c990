import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, type Tenant } from '#kernel';
import { type ConsentVoice, decideConsent } from './consent.js';
import { LOG_CONSENTS } from './customers.queries.js';
import { addressOf, CHANNELS, type Channel, type Consent, consentOf, type CustomerProfile, type ProfilePatch, withConsent } from './profile.js';
import { isOptOut, type SuppressionEntry, Suppressions } from './suppressions.js';

/** A profile being changed: as it was, and as it will be. */
export interface Draft {
  readonly before: CustomerProfile;
  now: CustomerProfile;
}

export interface ConsentChange {
  customerNo: number;
  channel: Channel;
  consent: Consent;
  address: string | null;
  lifts: boolean;
}

/** The consents of profiles being written: what they become, and what follows from it for addresses. */
@Injectable()
export class ConsentChanges {
  constructor(
    private readonly clock: Clock,
    private readonly suppressions: Suppressions,
  ) {}

  /** Fills in what each customer's consents become, given what is known of the addresses they have now. */
  async decide(tx: EntityManager, tenant: Tenant, rows: readonly { draft: Draft; patch: ProfilePatch }[], voice: ConsentVoice): Promise<ConsentChange[]> {
    const addresses: { channel: Channel; address: string }[] = [];
    for (const { draft } of rows) {
      for (const channel of CHANNELS) {
        const address = addressOf(draft.now, channel);
        if (address !== null) addresses.push({ channel, address });
      }
    }
    const suppression = await this.suppressions.find(tx, tenant, addresses);
    const now = this.clock.now();
    const changes: ConsentChange[] = [];
    for (const { draft, patch } of rows) {
      for (const channel of CHANNELS) {
        const address = addressOf(draft.now, channel);
        const found = address === null ? null : suppression(channel, address);
        const wanted = patch.consents === null ? null : patch.consents?.[channel];
        if (wanted === undefined && found === null && draft.now.consents[channel] === undefined) continue; // nobody ever said anything of it
        const optedOutAt = found !== null && isOptOut(found.reason) ? found.at : null;
        const sameAddress = address === addressOf(draft.before, channel);
        const decided = decideConsent({ consent: consentOf(draft.now, channel), optedOutAt, sameAddress }, wanted, voice, now);
        if (decided === null) continue;
        draft.now = withConsent(draft.now, channel, decided.consent);
        changes.push({ customerNo: draft.now.customer_no, channel, address, ...decided });
      }
    }
    return changes;
  }

  /** Logs the changes, and has the addresses follow: an opt-out suppresses, a consent given anew lifts. */
  async record(tx: EntityManager, tenant: Tenant, changes: readonly ConsentChange[]): Promise<void> {
    if (changes.length === 0) return;
    const now = this.clock.now();
    const instant = (consent: Consent): Date => (consent.at === null ? now : new Date(consent.at));
    await tx.query(LOG_CONSENTS, [
      tenant.id,
      changes.map((change) => change.customerNo),
      changes.map((change) => change.channel),
      changes.map((change) => change.consent.status),
      changes.map((change) => change.consent.source),
      changes.map((change) => instant(change.consent)),
    ]);
    const lifted = changes.flatMap(({ lifts, channel, address }) => (lifts && address !== null ? [{ channel, address }] : []));
    await this.suppressions.liftAll(tx, tenant, lifted);
    const added = changes.flatMap(({ consent, channel, address }): SuppressionEntry[] =>
      consent.status === 'unsubscribed' && address !== null ? [{ channel, address, reason: 'unsubscribed', at: instant(consent) }] : []);
    await this.suppressions.add(tx, tenant, added);
  }
}
