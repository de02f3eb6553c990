import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, HeavyReads } from '#database';
import { Events } from '#events';
import { addDays, Clock, daysBetween, isInt4, localDay, type Paged, pageWindow, startOfDay, type Tenant, toPage } from '#kernel';
import { type Channel, SettingsService } from '#tenants';
import { BoundedReads } from './bounded-reads.js';
import type { Counters } from './counters.js';
import { DeliveryError } from './delivery.errors.js';
import type { CampaignLinkDto, CampaignReportDto, ReportAbTestDto, ReportLiftDto } from './dto/report.dto.js';
import type { MailingOptions } from './options.js';
import { add, type LiftCounts, liftOf, type Material, NOTHING, reportOf } from './report.js';
import { cellsSql, CHANNEL_COUNTS, DAYS, liftSql, LINK_CLICKS, REVENUE } from './report.queries.js';
import type { TestState } from './winner.js';

/** For all statements of a report, in milliseconds. */
const LONGEST_MS = 20_000;

interface Reported {
  campaign_no: number;
  /** Null before the start, as is what follows. */
  channels: Channel[] | null;
  started_at: Date | null;
  options: MailingOptions | null;
  ab_test: TestState | null;
}

interface Page {
  limit?: number;
  page?: number;
  cursor?: string;
}

/**
 * What came of a campaign, counted in the ledger when it is asked for: a pass over the campaign's own rows, a few at a time for the whole
 * process, and within a bound of time.
 */
@Injectable()
export class Reports {
  constructor(
    private readonly database: Database,
    private readonly heavyReads: HeavyReads,
    private readonly clock: Clock,
    private readonly settings: SettingsService,
    private readonly events: Events,
  ) {}

  /** @throws DeliveryError campaign_not_found; RequestError unavailable when it takes too long, or too many others wait */
  report(tenant: Tenant, campaignId: string): Promise<CampaignReportDto> {
    return this.bounded(tenant, async (tx, reads) => {
      const { timezone, currency, attribution } = await this.settings.of(tx, tenant);
      const found = await find(reads, tenant, campaignId);
      const { channels, options, ab_test } = found;
      const material = channels === null ? EMPTY : await this.material(reads, tenant, found, channels, timezone);
      return {
        campaign_id: campaignId,
        as_of: this.clock.now().toISOString(),
        timezone,
        ...reportOf(material, channels ?? [], options?.variants ?? [], currency),
        ab_test: testOf(options, ab_test),
        lift: options?.holdout_percent === undefined ? null : await this.lift(reads, tenant, found, attribution.window_days),
      };
    });
  }

  /** The links that are counted, as the content has them; of each how often it was followed. */
  links(tenant: Tenant, campaignId: string, page: Page): Promise<Paged<CampaignLinkDto>> {
    const window = pageWindow<[linkNo: number]>(page, `campaigns/${campaignId}/links`, (key) => key.length === 1 && isInt4(key[0]));
    return this.bounded(tenant, async (_, reads) => {
      const { campaign_no } = await find(reads, tenant, campaignId);
      const one = [tenant.id, campaign_no];
      const rows = await reads.query<{ link_no: number; url: string }[]>(
        'SELECT link_no, url FROM mailing_links WHERE tenant_id = $1 AND campaign_no = $2 AND link_no > $3 ORDER BY link_no LIMIT $4 OFFSET $5',
        [...one, window.after?.[0] ?? -1, window.limit + 1, window.offset],
      );
      const [total] = await reads.query<{ count: number }[]>('SELECT count(*)::int AS count FROM mailing_links WHERE tenant_id = $1 AND campaign_no = $2', one);
      const clicks = await reads.query<{ link_no: number; clicks: number; customers: number; machine_clicks: number }[]>(LINK_CLICKS, [...one, rows.map((row) => row.link_no)]);
      const counts = new Map(clicks.map(({ link_no, ...count }) => [link_no, count]));
      const shown = ({ link_no, url }: { link_no: number; url: string }): CampaignLinkDto => ({ url, ...(counts.get(link_no) ?? { clicks: 0, customers: 0, machine_clicks: 0 }) });
      return toPage(rows, window, { count: total!.count, relation: 'eq' }, shown, (row) => [row.link_no]);
    });
  }

  private async material(reads: BoundedReads, tenant: Tenant, { campaign_no, started_at, ab_test }: Reported, channels: readonly Channel[], timezone: string): Promise<Material> {
    const one = [tenant.id, campaign_no];
    const dates = datesFrom(localDay(started_at!, timezone), localDay(this.clock.now(), timezone));
    const begins = dates.map((date) => startOfDay(date, timezone));
    const several = channels.length > 1;
    const [cells] = await reads.query<Pick<Material, 'variants' | 'days'>[]>(cellsSql(several), [...one, begins, ab_test?.decided_at ?? null]);
    const { variants, days } = cells!;
    const channelCounts = several ? await reads.query<Material['channels'][number][]>(CHANNEL_COUNTS, one) : [{ channel: channels[0]!, ...add(variants) }];
    const revenue = await reads.query<Material['revenue'][number][]>(REVENUE, [...one, begins]);
    const [kept] = await reads.query<Record<keyof Counters, string>[]>('SELECT * FROM mailing_counters WHERE tenant_id = $1 AND campaign_no = $2', one);
    const totals = Object.fromEntries(Object.entries(kept!).map(([name, count]) => [name, Number(count)])) as unknown as Counters;
    return { totals, variants, days, dates, channels: channelCounts, revenue };
  }

  private async lift(reads: BoundedReads, tenant: Tenant, { campaign_no, started_at }: Reported, windowDays: number): Promise<ReportLiftDto> {
    const [counts] = await reads.query<LiftCounts[]>(liftSql(this.events.standingSource()), [tenant.id, campaign_no, windowDays, started_at]);
    return liftOf(counts!, windowDays);
  }

  /** In a transaction that cannot write, and whose statements share one bound of time. */
  private bounded<T>(tenant: Tenant, work: (tx: EntityManager, reads: BoundedReads) => Promise<T>): Promise<T> {
    return this.heavyReads.run(tenant, () =>
      this.database.inTenant(tenant, async (tx) => {
        await tx.query(`SELECT set_config('transaction_read_only', 'on', true), set_config('work_mem', '64MB', true), set_config('enable_sort', 'off', true)`);
        return work(tx, new BoundedReads(tx, LONGEST_MS, 'Counting takes too long now.'));
      }),
    );
  }
}

const EMPTY: Material = { totals: { ...NOTHING, revenue: 0 }, variants: [], days: [], dates: [], channels: [], revenue: [] };

/** The latest of them. */
const datesFrom = (first: string, last: string): string[] => {
  const many = Math.max(1, Math.min(DAYS, daysBetween(first, last) + 1));
  return Array.from({ length: many }, (_, at) => addDays(last, at + 1 - many));
};

/** One that has not started has a number and nothing to count. */
async function find(reads: BoundedReads, tenant: Tenant, campaignId: string): Promise<Reported> {
  const [found] = await reads.query<Reported[]>(
    `SELECT c.campaign_no, m.channels, m.started_at, m.options, m.ab_test FROM campaign_directory c LEFT JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = c.campaign_no
      WHERE c.tenant_id = $1 AND c.campaign_id = $2`,
    [tenant.id, campaignId],
  );
  if (found === undefined) throw new DeliveryError('campaign_not_found');
  return found;
}

function testOf(options: MailingOptions | null, state: TestState | null): ReportAbTestDto | null {
  if (!options?.ab_test) return null;
  const { sample_sent_at = null, decides_at = null, winner = null, decided_at = null, reason = null, standings = [] } = state ?? {};
  const told = standings.map(({ variant, of, hits }) => ({ variant, delivered: of, achieved: hits }));
  return { metric: options.ab_test.metric, sample_sent_at, decides_at, winner, decided_at, reason, standings: told };
}
