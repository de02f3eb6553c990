import { ApiProperty } from '@nestjs/swagger';
import { pageOf } from '#http';
import { toDecimal } from '#kernel';
import { CHANNELS, type Channel, type Consent, CONSENT_STATUSES, consentOf, type ConsentStatus, type CustomerProfile } from '../profile.js';

/** A profile with its facts, as the table has it. */
export interface CustomerRow extends CustomerProfile {
  order_count: number;
  /** Minor units, as pg gives a bigint. */
  total_spent: string;
  first_order_at: Date | null;
  last_order_at: Date | null;
  median_order_gap_days: number | null;
  created_at: Date;
  updated_at: Date;
}

export class ConsentDto implements Consent {
  @ApiProperty({ enum: CONSENT_STATUSES, example: 'subscribed' })
  status: ConsentStatus;

  @ApiProperty({ type: String, nullable: true, example: 'signup_form' })
  source: string | null;

  /** When the customer said so; null if unknown. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  at: string | null;
}

export class ConsentsDto implements Record<Channel, Consent> {
  email: ConsentDto;
  sms: ConsentDto;
  push: ConsentDto;
}

export class CustomerDto {
  /** The caller's own id. */
  @ApiProperty({ example: 'cust_1001' })
  customer_id: string;

  email: string | null;

  /** E.164. */
  phone: string | null;

  first_name: string | null;
  last_name: string | null;
  locale: string | null;
  timezone: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date' })
  birthday: string | null;

  city: string | null;
  loyalty_tier: string | null;

  @ApiProperty({ type: 'integer', nullable: true })
  loyalty_points: number | null;

  tags: string[];

  @ApiProperty({ type: 'object', additionalProperties: true })
  attributes: Record<string, unknown>;

  consents: ConsentsDto;

  @ApiProperty({ type: 'object', nullable: true, additionalProperties: true })
  push_subscription: Record<string, unknown> | null;

  /** Orders received as `order_completed`, each id counted once; a refunded one still counts. */
  @ApiProperty({ type: 'integer', example: 12 })
  order_count: number;

  /** The total of those orders, net of refunds, in the tenant's currency. */
  @ApiProperty({ example: 412.5 })
  total_spent: number;

  /** `total_spent` ÷ `order_count`, rounded half up; 0 without orders. */
  @ApiProperty({ example: 34.38 })
  average_order_value: number;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  first_order_at: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  last_order_at: string | null;

  /** The median number of days between two orders, over the last 200; null until the third order. */
  @ApiProperty({ type: Number, nullable: true, example: 14.5 })
  median_order_gap_days: number | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ format: 'date-time' })
  updated_at: string;

  static from(row: CustomerRow, currency: string): CustomerDto {
    const spent = Number(row.total_spent);
    return {
      customer_id: row.customer_id,
      email: row.email,
      phone: row.phone,
      first_name: row.first_name,
      last_name: row.last_name,
      locale: row.locale,
      timezone: row.timezone,
      birthday: row.birthday,
      city: row.city,
      loyalty_tier: row.loyalty_tier,
      loyalty_points: row.loyalty_points,
      tags: row.tags,
      attributes: row.attributes,
      consents: Object.fromEntries(CHANNELS.map((channel) => [channel, consentOf(row, channel)])) as Record<Channel, Consent>,
      push_subscription: row.push_subscription,
      order_count: row.order_count,
      total_spent: toDecimal(spent, currency),
      average_order_value: row.order_count === 0 ? 0 : toDecimal(Math.round(spent / row.order_count), currency),
      first_order_at: row.first_order_at?.toISOString() ?? null,
      last_order_at: row.last_order_at?.toISOString() ?? null,
      median_order_gap_days: row.median_order_gap_days,
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
    };
  }
}

export class CustomerPageDto extends pageOf(CustomerDto) {}
