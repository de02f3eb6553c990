import { Check, Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';
import type { Schedule } from './schedule.js';

/** Offers that can be priced. `free_item` and `buy_x_get_y` are refused until they can be. */
export const PROMO_TYPES = ['percentage', 'fixed_amount', 'free_delivery'] as const;
export type PromoType = (typeof PROMO_TYPES)[number];

export const PROMO_STATUSES = ['active', 'paused', 'archived'] as const;
export type PromoStatus = (typeof PROMO_STATUSES)[number];

/** What an order must hold for the offer; no member: everything. */
export interface AppliesTo {
  all_items?: true;
  item_ids?: string[];
  category_ids?: string[];
  exclude_item_ids?: string[];
  location_ids?: string[];
  channels?: string[];
}

const bigint = { type: 'bigint', nullable: true, transformer: { to: (value: unknown) => value, from: (text: string | null) => (text === null ? null : Number(text)) } } as const;

/** Money in minor units of the tenant's currency, a percentage in basis points. */
@Entity('promos')
@Unique('promos_promo_id', ['tenantId', 'promoId'])
@Index('promos_status', ['tenantId', 'status', 'promoId'])
@Index('promos_code', ['tenantId', 'code', 'createdAt'])
@Check('promos_type_check', `type IN ('percentage', 'fixed_amount', 'free_delivery')`)
@Check('promos_status_check', `status IN ('active', 'paused', 'archived')`)
@Check('promos_value', `(value IS NULL) = (type = 'free_delivery')`)
@Check('promos_validity', 'valid_until > valid_from')
export class PromoEntity {
  @PrimaryColumn('int', { name: 'tenant_id' })
  tenantId: number;

  @PrimaryColumn('int', { name: 'promo_no', generated: 'identity', generatedIdentity: 'ALWAYS' })
  promoNo: number;

  @Column('text', { name: 'promo_id' })
  promoId: string;

  @Column('text')
  code: string;

  @Column('text')
  type: PromoType;

  @Column(bigint)
  value: number | null;

  @Column({ ...bigint, name: 'min_order_amount' })
  minOrderAmount: number | null;

  @Column({ ...bigint, name: 'max_discount' })
  maxDiscount: number | null;

  @Column('int', { name: 'usage_limit', nullable: true })
  usageLimit: number | null;

  @Column('int', { name: 'per_customer_limit', nullable: true })
  perCustomerLimit: number | null;

  @Column(bigint)
  budget: number | null;

  @Column('timestamptz', { name: 'valid_from', nullable: true })
  validFrom: Date | null;

  @Column('timestamptz', { name: 'valid_until', nullable: true })
  validUntil: Date | null;

  @Column('jsonb', { name: 'applies_to' })
  appliesTo: AppliesTo;

  @Column('jsonb', { nullable: true })
  schedule: Schedule | null;

  @Column('int', { name: 'segment_no', nullable: true })
  segmentNo: number | null;

  @Column('text', { name: 'segment_id', nullable: true })
  segmentId: string | null;

  @Column('boolean', { name: 'first_order_only' })
  firstOrderOnly: boolean;

  /** Its own code does not redeem, those that customers were given do. */
  @Column('boolean', { name: 'unique_codes_only', default: false })
  uniqueCodesOnly: boolean;

  @Column('boolean')
  stackable: boolean;

  @Column('int')
  priority: number;

  @Column('text')
  status: PromoStatus;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;

  @Column('int', { default: 1 })
  version: number;
}

/** What was used up so far, of the promo as a whole. */
export interface Usage {
  uses: number;
  /** Minor units. */
  discounted: number;
}

export type Promo = PromoEntity & Usage;

/** Whom a unique code was given to. */
export interface Assigned {
  customerNo: number;
  campaignNo: number;
  redeemed: boolean;
}

/** A promo as one of its codes names it; the promo's own code is nobody's. */
export type CodedPromo = Promo & { assigned: Assigned | null };

/** The part of a promo that a caller writes. */
export type Terms = Omit<PromoEntity, 'tenantId' | 'promoNo' | 'promoId' | 'code' | 'type' | 'segmentNo' | 'status' | 'createdAt' | 'updatedAt' | 'version'>;

/** Whether redemptions are held against a limit of the promo as a whole, and so wait for each other. */
export const isLimited = (promo: Pick<PromoEntity, 'usageLimit' | 'budget'>): boolean => promo.usageLimit !== null || promo.budget !== null;
