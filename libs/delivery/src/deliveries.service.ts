import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Customers } from '#customers';
import { boundedTotal, Database, readBoundedTotal } from '#database';
import { isInt4, type Paged, pageWindow, type Tenant, toPage } from '#kernel';
import { UniqueCodes } from '#promos';
import { CHANNELS } from '#tenants';
import { counted } from './counters.js';
import { DeliveryError } from './delivery.errors.js';
import { decodeDeliveryId, type DeliveryKey } from './delivery-id.js';
import { RESENT } from './ledger.queries.js';
import { DeliveryDto, type DeliveryRow } from './dto/delivery.dto.js';
import type { ListDeliveriesDto } from './dto/list-deliveries.dto.js';

const COLUMNS = `tenant_id, campaign_no, customer_no, channel, status, reason, attempts, variant, provider, provider_message_id, accepted_at, delivered_at, opened_at,
  machine_opened_at, clicked_at, bounced_at, failed_at, complained_at, unsubscribed_at, converted_at`;

const ONE = 'tenant_id = $1 AND campaign_no = $2 AND customer_no = $3 AND channel = $4';

/** Whether the campaign had ended before. */
const ENDED = 'EXISTS (SELECT 1 FROM mailings WHERE tenant_id = $1 AND campaign_no = $2 AND finished_at IS NOT NULL)';

type Cursor = [customerNo: number, channel: string];

const isCursor = (key: unknown[]): boolean => key.length === 2 && isInt4(key[0]) && CHANNELS.includes(key[1] as never);

/** The ledger as operators see it: who got a campaign, who did not and why; and what to do about an outcome nobody knows. */
@Injectable()
export class Deliveries {
  constructor(
    private readonly database: Database,
    private readonly customers: Customers,
    private readonly uniqueCodes: UniqueCodes,
  ) {}

  /** @throws DeliveryError campaign_not_found */
  async list(tenant: Tenant, campaignId: string, query: ListDeliveriesDto): Promise<Paged<DeliveryDto>> {
    const window = pageWindow<Cursor>(query, `campaigns/${campaignId}/deliveries`, isCursor);
    return this.database.inTenant(tenant, async (tx) => {
      const campaignNo = await this.campaignNo(tx, tenant, campaignId);
      const customerNo = query.customer_id === undefined ? null : ((await this.customers.find(tx, tenant, [query.customer_id])).get(query.customer_id) ?? 0);
      const matching = `FROM deliveries WHERE tenant_id = $1 AND campaign_no = $2 AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR channel = $4) AND ($5::int IS NULL OR customer_no = $5) AND ($6::text IS NULL OR variant = $6)`;
      const filter = [tenant.id, campaignNo, query.status ?? null, query.channel ?? null, customerNo, query.variant ?? null];
      const rows = await tx.query<DeliveryRow[]>(
        `SELECT ${COLUMNS} ${matching} AND ($7::int IS NULL OR (customer_no, channel) < ($7::int, $8::text)) ORDER BY customer_no DESC, channel DESC LIMIT $9 OFFSET $10`,
        [...filter, ...(window.after ?? [null, null]), window.limit + 1, window.offset],
      );
      const [{ total } = { total: 0 }] = await tx.query<{ total: number }[]>(boundedTotal(matching), filter);
      const ids = await this.customers.idsOf(tx, tenant, rows.map((row) => row.customer_no));
      const codes = await this.uniqueCodes.of(tx, tenant, campaignNo, rows.map((row) => row.customer_no));
      return toPage(rows, window, readBoundedTotal(total), (row) => DeliveryDto.from(row, ids.get(row.customer_no) ?? null, codes.get(row.customer_no)), (row) => [row.customer_no, row.channel]);
    });
  }

  /** Has an unknown delivery sent once more, on the operator's word that it did not arrive. @throws DeliveryError */
  async resend(tenant: Tenant, campaignId: string, deliveryId: string): Promise<DeliveryDto> {
    return this.settle(tenant, campaignId, deliveryId, async (tx, key) => {
      const [[mailing]] = await tx.query<[unknown[]]>(
        `UPDATE mailings SET state = CASE WHEN state = 'finished' THEN 'running' ELSE state END WHERE tenant_id = $1 AND campaign_no = $2 AND state <> 'canceled' RETURNING 1`,
        [tenant.id, key.campaignNo],
      );
      if (mailing === undefined) throw new DeliveryError('invalid_state', { detail: 'The campaign was canceled.' });
      await tx.query('UPDATE campaign_directory SET sending = true WHERE tenant_id = $1 AND campaign_no = $2', [tenant.id, key.campaignNo]);
      return `status = 'pending', reason = NULL, receiver = '${RESENT}', next_attempt_at = 'epoch'`;
    });
  }

  /** Takes an unknown delivery for lost, or one that was to be sent again after the campaign had ended. A receipt that comes after all still corrects it. @throws DeliveryError */
  async giveUp(tenant: Tenant, campaignId: string, deliveryId: string): Promise<DeliveryDto> {
    return this.settle(tenant, campaignId, deliveryId, async () => `status = 'rejected', reason = 'given_up'`, `(status = 'unknown' OR status = 'pending' AND ${ENDED})`);
  }

  private async settle(tenant: Tenant, campaignId: string, deliveryId: string, change: (tx: EntityManager, key: DeliveryKey) => Promise<string>, settleable = `status = 'unknown'`): Promise<DeliveryDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const campaignNo = await this.campaignNo(tx, tenant, campaignId);
      const key = decodeDeliveryId(deliveryId);
      if (key?.tenantId !== tenant.id || key.campaignNo !== campaignNo) throw new DeliveryError('delivery_not_found');
      const one = [tenant.id, campaignNo, key.customerNo, key.channel];
      const [known] = await tx.query<unknown[]>(`SELECT 1 FROM deliveries WHERE ${ONE}`, one);
      if (known === undefined) throw new DeliveryError('delivery_not_found');
      const assignments = await change(tx, key);
      const [row] = await counted(tx, tenant, { campaignNos: [campaignNo], customerNos: [key.customerNo] }, async () => {
        const [rows] = await tx.query<[DeliveryRow[]]>(`UPDATE deliveries SET ${assignments} WHERE ${ONE} AND ${settleable} RETURNING ${COLUMNS}`, one);
        return rows;
      });
      if (row === undefined) throw new DeliveryError('invalid_state');
      const ids = await this.customers.idsOf(tx, tenant, [key.customerNo]);
      const codes = await this.uniqueCodes.of(tx, tenant, campaignNo, [key.customerNo]);
      return DeliveryDto.from(row, ids.get(key.customerNo) ?? null, codes.get(key.customerNo));
    });
  }

  private async campaignNo(tx: EntityManager, tenant: Tenant, campaignId: string): Promise<number> {
    const [found] = await tx.query<{ campaign_no: number }[]>('SELECT campaign_no FROM campaign_directory WHERE tenant_id = $1 AND campaign_id = $2', [tenant.id, campaignId]);
    if (found === undefined) throw new DeliveryError('campaign_not_found');
    return found.campaign_no;
  }
}
