import { ApiProperty } from '@nestjs/swagger';
import { percentage, toDecimal } from '#kernel';
import type { CounterRow } from '../campaigns.queries.js';

/** Customers, each counted once. */
export class CampaignSummaryMetricsDto {
  @ApiProperty({ example: 5420, description: 'Accepted by the provider.' })
  sent: number;

  @ApiProperty({ example: 2180 })
  opened: number;

  @ApiProperty({ example: 845 })
  clicked: number;

  @ApiProperty({ example: 156, description: 'With an order attributed to the campaign.' })
  converted: number;

  static from({ sent, opened, clicked, converted }: CounterRow): CampaignSummaryMetricsDto {
    return { sent: Number(sent), opened: Number(opened), clicked: Number(clicked), converted: Number(converted) };
  }
}

/** Customers, each counted once; rates are percentages of `delivered` with one decimal. */
export class CampaignMetricsDto extends CampaignSummaryMetricsDto {
  @ApiProperty({ example: 5380 })
  delivered: number;

  @ApiProperty({ example: 40.5 })
  open_rate: number;

  @ApiProperty({ example: 15.7 })
  click_rate: number;

  @ApiProperty({ example: 2.9 })
  conversion_rate: number;

  @ApiProperty({ example: 4680, description: 'Attributed orders, net of refunds, in the tenant’s currency.' })
  revenue_attributed: number;

  @ApiProperty({ example: 12 })
  unsubscribed: number;

  @ApiProperty({ example: 0 })
  bounced: number;

  @ApiProperty({ example: 0 })
  failed: number;

  @ApiProperty({ example: 0 })
  complained: number;

  @ApiProperty({ example: 0, description: 'Nothing was sent; the delivery has the reason.' })
  skipped: number;

  @ApiProperty({ example: 0, description: 'The provider’s answer was lost. Settled by its webhook or by hand; never sent again blindly.' })
  unknown: number;

  @ApiProperty({ example: 0, description: 'Opened only by a scanner or proxy; not counted in `opened`.' })
  machine_opened: number;

  static override from(counters: CounterRow, currency = 'USD'): CampaignMetricsDto {
    const count = (name: keyof CounterRow): number => Number(counters[name]);
    const rate = (name: keyof CounterRow): number => percentage(count(name), count('delivered'));
    return {
      sent: count('sent'),
      delivered: count('delivered'),
      opened: count('opened'),
      open_rate: rate('opened'),
      clicked: count('clicked'),
      click_rate: rate('clicked'),
      converted: count('converted'),
      conversion_rate: rate('converted'),
      revenue_attributed: toDecimal(counters.revenue ?? 0, currency),
      unsubscribed: count('unsubscribed'),
      bounced: count('bounced'),
      failed: count('failed'),
      complained: count('complained'),
      skipped: count('skipped'),
      unknown: count('unknown'),
      machine_opened: count('machine_opened'),
    };
  }
}
