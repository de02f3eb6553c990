import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CriteriaFields, type RelationField } from '#segments';

/** What makes a ledger row count for each field. */
const FIELDS: readonly [name: string, description: string, source: string][] = [
  ['received', 'Campaigns that were sent to the customer.', `deliveries r WHERE r.status = 'accepted'`],
  ['opened', 'Campaigns that the customer opened.', 'deliveries r WHERE r.opened_at IS NOT NULL'],
  ['clicked', 'Campaigns in which the customer clicked a link.', 'deliveries r WHERE r.clicked_at IS NOT NULL'],
  ['converted', 'Campaigns that an order of the customer is attributed to.', 'conversions r WHERE (r.gross = 0 OR r.amount > 0)'],
];

/** Also deleted ones: who received them does not change by it, and criteria that name them can be copied, tried and given back as they were got. */
const KNOWN = ['campaign_directory', 'mailings', 'deleted_campaigns']
  .map((table) => `SELECT campaign_id FROM ${table} WHERE tenant_id = $1 AND campaign_id = ANY ($2::text[])`)
  .join(' UNION ');

/** Lets segments ask what came of campaigns: `{"campaign.opened": {"in": ["camp_…"]}}`. */
@Injectable()
export class CampaignFields implements OnModuleInit {
  constructor(private readonly fields: CriteriaFields) {}

  onModuleInit(): void {
    this.fields.contribute(...FIELDS.map(([name, description, source]) => relation(name, description, source)));
  }
}

const relation = (name: string, description: string, source: string): RelationField => ({
  name: `campaign.${name}`,
  label: `Campaign ${name}`,
  group: 'campaigns',
  type: 'relation',
  references: 'campaigns',
  description: `${description} One that is deleted still counts for whom it was sent to; nobody received one that was not sent.`,
  known: async (tx, tenant, ids) => (await tx.query<{ campaign_id: string }[]>(KNOWN, [tenant.id, ids])).map((row) => row.campaign_id),
  unknown: { code: 'unknown_campaign', detail: 'There is no such campaign, nor was there.' },
  related: ({ tenant, customer, ids }) => {
    const among = ids === null ? '' : ` AND r.campaign_no IN (SELECT k.campaign_no FROM mailings k WHERE k.tenant_id = ${tenant} AND k.campaign_id = ANY (${ids}))`;
    return `EXISTS (SELECT 1 FROM ${source} AND r.tenant_id = ${tenant} AND r.customer_no = ${customer}${among})`;
  },
});
