import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { addressOf, type CustomerProfile, Customers, normaliseEmail, normalisePhone, Suppressions } from '#customers';
import { Clock, type Fault, RequestError, type Tenant, validationFailed } from '#kernel';
import { UniqueCodes } from '#promos';
import { type Channel, type Settings, SettingsService } from '#tenants';
import type { Channel as Carrier, Outcome } from './channels/channel.js';
import { Channels } from './channels/channels.js';
import { Paces } from './channels/paces.js';
import { noContacts } from './contacts.js';
import { decide, type Decision } from './decision.js';
import { DeliveryError } from './delivery.errors.js';
import { type Draft, type Drafted, DraftWriter, type Measured, NO_CUSTOMER, type Shown, variantFor } from './draft-writer.js';
import type { Message } from './message.js';
import { sendWindowOf } from './options.js';
import { Readiness } from './readiness.js';
import { isHeldOut } from './split.js';
import { isInSample } from './variants.js';

/** All messages of a campaign to one customer. */
export interface Previewed {
  variant: string | null;
  messages: PreviewedMessage[];
}

export interface PreviewedMessage extends Shown, Measured {
  channel: Channel;
  to: string | null;
  decision: Decision['to'];
  /** Why not, or not now. */
  reason: string | null;
}

export interface TestResult {
  to: string;
  status: 'accepted' | 'rejected' | 'unknown' | 'not_sent';
  reason: string | null;
  provider_message_id: string | null;
}

/** Messages of a test, ready to leave. */
export interface TestMessages {
  recipients: string[];
  messages: Message[];
  carrier: Carrier;
}

const NOBODY: CustomerProfile = {
  customer_no: NO_CUSTOMER, customer_id: 'test', email: null, phone: null, first_name: null, last_name: null, locale: null, timezone: null, birthday: null, city: null,
  loyalty_tier: null, loyalty_points: null, tags: [], attributes: {}, push_subscription: null, consent_email: 'unknown', consent_sms: 'unknown', consent_push: 'unknown', consents: {}, version: 1,
};

/** Shows a campaign's messages, or sends them to test addresses: nothing is written to the ledger, and no link is tracked. */
@Injectable()
export class Rehearsal {
  /** How long a test waits for the provider's answer, in milliseconds; after that its result is unknown. */
  patienceMs = 20_000;

  constructor(
    private readonly clock: Clock,
    private readonly customers: Customers,
    private readonly suppressions: Suppressions,
    private readonly settings: SettingsService,
    private readonly readiness: Readiness,
    private readonly drafts: DraftWriter,
    private readonly channels: Channels,
    private readonly paces: Paces,
    private readonly uniqueCodes: UniqueCodes,
  ) {}

  /** @throws DeliveryError customer_not_found */
  async preview(tx: EntityManager, tenant: Tenant, draft: Draft, customerId: string): Promise<Previewed> {
    const [settings, profile] = [await this.settings.of(tx, tenant), await this.person(tx, tenant, customerId)];
    const promoCode = (await this.uniqueCodes.of(tx, tenant, draft.campaignNo, [profile.customer_no])).get(profile.customer_no);
    const carriers = await this.channels.of(tx, tenant);
    const messages: PreviewedMessage[] = [];
    for (const channel of draft.channels) {
      const to = addressOf(profile, channel);
      const decision = await this.decide(tx, tenant, draft, channel, profile, settings);
      const told = decision.to === 'send' && waits(draft, profile) ? ({ decision: 'defer', reason: 'ab_test' } as const) : { decision: decision.to, reason: decision.to === 'send' ? null : decision.reason };
      messages.push({ channel, to, ...told, ...this.drafts.show(tenant, { draft, channel, profile, settings, address: to ?? '', promoCode, carrier: carriers.get(channel) }) });
    }
    return { variant: variantFor(draft, profile), messages };
  }

  /**
   * Writes messages to the given addresses; they need not be customers'.
   *
   * @throws RequestError validation_failed, unavailable; DeliveryError address_suppressed, customer_not_found, not_ready, template_failed
   */
  async write(tx: EntityManager, tenant: Tenant, draft: Draft, channel: Channel, to: readonly string[], customerId?: string): Promise<TestMessages> {
    const addresses = normalised(channel, to);
    const recipients = [...new Set(addresses)];
    const settings = await this.settings.of(tx, tenant);
    const hindrance = await this.readiness.hindrance(tx, tenant, [channel], settings);
    if (hindrance !== null) throw new DeliveryError(hindrance.code, { detail: hindrance.detail, params: hindrance.params });
    const profile = customerId === undefined ? NOBODY : await this.person(tx, tenant, customerId);
    const suppressed = await this.suppressions.suppressed(tx, tenant, channel, addresses);
    const errors = addresses.flatMap((address, at) => (suppressed.has(address) ? [{ pointer: `/to/${at}`, code: 'address_suppressed', detail: `Nothing is sent there: ${suppressed.get(address)!}.` }] : []));
    if (errors.length > 0) throw new DeliveryError('address_suppressed', { errors });
    const messages = recipients.map((address) => this.test(tenant, { draft, channel, profile, settings, address }));
    return { recipients, messages, carrier: await this.carrier(tx, tenant, channel, messages.length) };
  }

  /** Sends each by a call of its own, so that a missing answer does not hide the others. Nothing is retried. */
  async send(tenant: Tenant, { carrier, messages, recipients }: TestMessages): Promise<TestResult[]> {
    const calls = messages.map(async (message) => (await carrier.send([message]))[0]!);
    void Promise.all(calls).then((outcomes) => this.paces.heard(tenant, carrier, messages, outcomes), () => undefined); // whoever waits for it below is told
    const patience = sleep<Outcome>(this.patienceMs, { status: 'unknown', reason: 'no_answer' }, { ref: false });
    const outcomes = await Promise.all(calls.map((call) => Promise.race([call, patience])));
    return outcomes.map((outcome, at) => ({ to: recipients[at]!, ...resultOf(outcome) }));
  }

  /** The results as long as they are unknown. */
  untold({ recipients }: TestMessages): TestResult[] {
    return recipients.map((to) => ({ to, ...resultOf({ status: 'unknown', reason: 'worker_lost' }) }));
  }

  private async person(tx: EntityManager, tenant: Tenant, customerId: string): Promise<CustomerProfile> {
    const no = (await this.customers.find(tx, tenant, [customerId])).get(customerId);
    const profile = no === undefined ? undefined : (await this.customers.profiles(tx, tenant, [no])).get(no);
    if (profile === undefined) throw new DeliveryError('customer_not_found');
    return profile;
  }

  /** Tests count towards the tenant's rate limit. */
  private async carrier(tx: EntityManager, tenant: Tenant, channel: Channel, messages: number): Promise<Carrier> {
    const carrier = (await this.channels.of(tx, tenant)).get(channel)!;
    if (carrier.batch < messages || (await this.paces.take(tx, tenant, carrier, messages)) < messages) {
      throw new RequestError('unavailable', { detail: 'The channel has no room for that many messages now.', retryAfter: 1 });
    }
    return carrier;
  }

  private test(tenant: Tenant, drafted: Drafted): Message {
    try {
      const message = this.drafts.write(tenant, drafted);
      return 'html' in message ? { ...message, subject: `[Test] ${message.subject}` } : message;
    } catch (error) {
      throw new DeliveryError('template_failed', { detail: error instanceof Error ? error.message.split('\n', 1)[0] : undefined });
    }
  }

  private async decide(tx: EntityManager, tenant: Tenant, { campaignId, type, endsAt, options }: Draft, channel: Channel, profile: CustomerProfile, settings: Settings): Promise<Decision> {
    const address = addressOf(profile, channel);
    const suppressed = address === null ? undefined : (await this.suppressions.suppressed(tx, tenant, channel, [address])).get(address);
    const heldOut = isHeldOut(campaignId, profile.customer_no, options);
    return decide(
      { channel, address, consent: profile[`consent_${channel}`], suppressed: suppressed ?? null, attempts: 0, heldOut, timezone: profile.timezone, contacts: noContacts() },
      { type, endsAt, now: this.clock.now(), quietHours: settings.quiet_hours[channel], sendWindow: sendWindowOf(options), timezone: settings.timezone, cap: null },
    );
  }
}

/** Whether the customer waits for the winner of the test. */
const waits = ({ campaignId, options: { ab_test }, winner = null }: Draft, { customer_no }: CustomerProfile): boolean => ab_test !== undefined && winner === null && !isInSample(campaignId, customer_no, ab_test);

function resultOf(outcome: Outcome): Omit<TestResult, 'to'> {
  if (outcome.status === 'accepted') return { status: 'accepted', reason: null, provider_message_id: outcome.providerMessageId };
  const status = outcome.status === 'rejected' || outcome.status === 'unknown' ? outcome.status : 'not_sent';
  return { status, reason: 'reason' in outcome ? outcome.reason : null, provider_message_id: null };
}

function normalised(channel: Channel, to: readonly string[]): string[] {
  if (channel === 'push') throw validationFailed([{ pointer: '/channel', code: 'no_address', detail: 'A push message goes to a browser or an app, which no address names: preview it instead.' }]);
  const addresses = to.map((address) => (channel === 'email' ? normaliseEmail(address) : normalisePhone(address)));
  const faults: Fault[] = addresses.flatMap((address, at) => (address === null ? [{ pointer: `/to/${at}`, code: 'invalid_address', detail: channel === 'email' ? 'Expected an email address.' : 'Expected a phone number, as E.164.' }] : []));
  if (faults.length > 0) throw validationFailed(faults);
  return addresses as string[];
}
