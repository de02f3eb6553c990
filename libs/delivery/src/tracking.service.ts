import { Injectable, Logger } from '@nestjs/common';
import { Customers } from '#customers';
import { Database } from '#database';
import { Clock, type Tenant } from '#kernel';
import { Tenants } from '#tenants';
import { isSafeUrl } from './content.js';
import { DeliveryError } from './delivery.errors.js';
import { encodeDeliveryId } from './delivery-id.js';
import { customerScope } from './customer-scope.js';
import type { Receipt } from './receipt.js';
import { Receipts } from './receipts.js';
import { compile, render, type Scope } from './template.js';
import { type TokenKind, type TrackingTarget, TrackingTokens } from './tracking-token.js';

/** What the links of a message do. The token alone says whose message it is; nobody is logged in. */
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
  ) {}

  async open(token: string, machine: boolean): Promise<void> {
    const { tenant, target } = await this.read('o', token);
    await this.note(tenant, target, 'opened', machine);
  }

  /** @returns where the link leads: the URL stored with the mailing, its variables filled in */
  async click(token: string, machine: boolean): Promise<string> {
    const { tenant, target } = await this.read('c', token);
    const url = await this.destination(tenant, target);
    await this.note(tenant, target, 'clicked', machine);
    return url;
  }

  /** Whether the token is one of ours. */
  async assertUnsubscribable(token: string): Promise<void> {
    await this.read('u', token);
  }

  async unsubscribe(token: string): Promise<void> {
    const { tenant, target } = await this.read('u', token);
    await this.database.inTenant(tenant, (tx) => this.receipts.record(tx, tenant, [{ ...this.receipt(target, 'unsubscribed'), source: 'unsubscribe_link' }]));
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
      const [link] = await tx.query<{ url: string; promo_code: string | null }[]>(
        `SELECT l.url, m.promo_code FROM mailing_links l JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = $2
          WHERE l.tenant_id = $1 AND l.campaign_no = $2 AND l.link_no = $3`,
        [tenant.id, key.campaignNo, linkNo],
      );
      if (link === undefined || !isSafeUrl(link.url)) throw new DeliveryError('link_not_found');
      if (!link.url.includes('{')) return link.url;
      const customerNo = (await this.customers.survivors(tx, tenant, [key.customerNo])).get(key.customerNo) ?? key.customerNo;
      const profile = (await this.customers.profiles(tx, tenant, [customerNo])).get(customerNo);
      const scope: Scope = { customer: profile && customerScope(profile), promo_code: link.promo_code };
      return filledIn(link.url, scope) ?? link.url.slice(0, link.url.indexOf('{'));
    });
  }
}

/** Null when the template fails for this recipient, or does not make a URL: whoever clicks is led to the fixed part of it, not to an error. */
function filledIn(template: string, scope: Scope): string | null {
  try {
    const url = render(compile(template), scope);
    return URL.canParse(url) ? new URL(url).href : null;
  } catch {
    return null;
  }
}
