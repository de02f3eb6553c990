import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { addressOf, type CustomerProfile, Customers } from '#customers';
import { Database } from '#database';
import { Clock, type Tenant } from '#kernel';
import { UniqueCodes } from '#promos';
import { type Channel, CHANNELS, Tenants } from '#tenants';
import { isSafeUrl } from './content.js';
import { DeliveryError } from './delivery.errors.js';
import { encodeDeliveryId } from './delivery-id.js';
import { customerScope } from './customer-scope.js';
import type { MailingOptions } from './options.js';
import type { Receipt } from './receipt.js';
import { Receipts } from './receipts.js';
import { HONEYPOT, leadsTo } from './scanner.js';
import { compile, render, type Scope } from './template.js';
import { type TokenKind, type TrackingTarget, TrackingTokens } from './tracking-token.js';
import type { Choices } from './unsubscribe-page.js';
import { utmOf, withUtm } from './utm.js';
import { wordsFor } from './words.js';

/** What the links of a message do. Nobody is logged in: the token alone says whose message it is. */
@Injectable()
export class Tracking {
  private readonly logger = new Logger(Tracking.name);

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly tenants: Tenants,
    private readonly customers: Customers,
    private readonly receipts: Receipts,
    private readonly tokens: TrackingTokens,
    private readonly uniqueCodes: UniqueCodes,
  ) {}

  async open(token: string, machine: boolean): Promise<void> {
    const { tenant, target } = await this.read('o', token);
    await this.note(tenant, target, 'opened', machine);
  }

  /** @returns where the link leads: the URL stored with the mailing, its variables filled in */
  async click(token: string, machine: boolean): Promise<string> {
    const { tenant, target } = await this.read('c', token);
    const url = await this.destination(tenant, target);
    await this.note(tenant, target, 'clicked', machine || target.linkNo === HONEYPOT);
    return asHeader(url);
  }

  /**
   * The channels that the recipient may stop: the message's own, and others over which the customer gets messages.
   *
   * @param languages the browser's, in case the customer's own is not known
   */
  async choices(token: string, languages: readonly string[]): Promise<Choices> {
    const { tenant, target } = await this.read('u', token);
    const { channel, customerNo } = target.key;
    const profile = await this.database.inTenant(tenant, (tx) => this.profileOf(tx, tenant, customerNo));
    const hears = (one: Channel): boolean => profile !== null && addressOf(profile, one) !== null && (profile[`consent_${one}`] === 'subscribed' || (one === 'email' && profile.consent_email === 'unknown'));
    return { words: wordsFor(profile?.locale ? [profile.locale, ...languages] : languages), channels: [channel, ...CHANNELS.filter((one) => one !== channel && hears(one))] };
  }

  /**
   * On the message's channel it opts out the address that the message went to, on others the customer.
   *
   * @param chosen null for the message's channel
   * @returns what was stopped
   */
  async unsubscribe(token: string, chosen: readonly Channel[] | null): Promise<readonly Channel[]> {
    const { tenant, target } = await this.read('u', token);
    const { channel } = target.key;
    const stopped = chosen ?? [channel];
    const others = stopped.filter((one) => one !== channel);
    await this.database.inTenant(tenant, async (tx) => {
      if (stopped.includes(channel)) await this.receipts.record(tx, tenant, [{ ...this.receipt(target, 'unsubscribed'), source: 'unsubscribe_link' }]);
      const profile = others.length === 0 ? null : await this.profileOf(tx, tenant, target.key.customerNo);
      if (profile !== null) await this.customers.setConsent(tx, tenant, others.map((one) => ({ customerNo: profile.customer_no, channel: one, status: 'unsubscribed', source: 'unsubscribe_link', at: this.clock.now() })));
    });
    return stopped;
  }

  /** The customer who has the number now; null if they were erased. */
  private async profileOf(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<CustomerProfile | null> {
    const now = (await this.customers.survivors(tx, tenant, [customerNo])).get(customerNo) ?? customerNo;
    return (await this.customers.profiles(tx, tenant, [now])).get(now) ?? null;
  }

  /** A hit that cannot be written down is not worth a broken link. */
  private async note(tenant: Tenant, target: TrackingTarget, type: 'opened' | 'clicked', machine: boolean): Promise<void> {
    try {
      await this.database.inTenant(tenant, (tx) => this.receipts.record(tx, tenant, [{ ...this.receipt(target, type), machine }]));
    } catch (error) {
      this.logger.error({ msg: 'hit not recorded', tenant: tenant.name, err: error });
    }
  }

  private receipt({ key, linkNo, addressHash }: TrackingTarget, type: Receipt['type']): Receipt {
    return { type, deliveryId: encodeDeliveryId(key), channel: key.channel, linkNo, ...(addressHash && { addressHash }), at: this.clock.now() };
  }

  private async read(kind: TokenKind, token: string): Promise<{ tenant: Tenant; target: TrackingTarget }> {
    const target = this.tokens.read(kind, token);
    const tenant = target === null ? null : await this.tenants.byId(target.key.tenantId);
    if (target === null || tenant === null) throw new DeliveryError('link_not_found');
    return { tenant, target };
  }

  private destination(tenant: Tenant, { key, linkNo }: TrackingTarget): Promise<string> {
    return this.database.inTenant(tenant, async (tx) => {
      const [link] = await tx.query<{ url: string; promo_code: string | null; campaign_id: string; options: MailingOptions }[]>(
        `SELECT l.url, m.promo_code, m.campaign_id, m.options FROM mailing_links l JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = $2
          WHERE l.tenant_id = $1 AND l.campaign_no = $2 AND l.link_no = $3`,
        [tenant.id, key.campaignNo, leadsTo(linkNo)],
      );
      if (link === undefined || !isSafeUrl(link.url)) throw new DeliveryError('link_not_found');
      const utm = utmOf(link, key.channel);
      if (!link.url.includes('{')) return withUtm(link.url, utm);
      const profile = await this.profileOf(tx, tenant, key.customerNo);
      const scope: Scope = { customer: profile === null ? undefined : customerScope(profile), promo_code: await this.promoCode(tx, tenant, key.campaignNo, profile, link) };
      return withUtm(filledIn(link.url, scope) ?? link.url.slice(0, link.url.indexOf('{')), utm);
    });
  }

  /** The customer's own, where each has one: nobody else's code is theirs. */
  private async promoCode(tx: EntityManager, tenant: Tenant, campaignNo: number, profile: CustomerProfile | null, { promo_code, options }: { promo_code: string | null; options: MailingOptions }): Promise<string | null> {
    if (!options.unique_promo_codes) return promo_code;
    return profile === null ? null : ((await this.uniqueCodes.of(tx, tenant, campaignNo, [profile.customer_no])).get(profile.customer_no) ?? null);
  }
}

/** A header holds ASCII alone: what else there is, is encoded as a browser would. */
const asHeader = (url: string): string => (/^[\x21-\x7e]*$/.test(url) ? url : new URL(url).href);

/** Null when the template fails for this recipient, or does not make a URL: whoever clicks is led to the fixed part of it, not to an error. */
function filledIn(template: string, scope: Scope): string | null {
  try {
    const url = render(compile(template), scope);
    return URL.canParse(url) ? new URL(url).href : null;
  } catch {
    return null;
  }
}
