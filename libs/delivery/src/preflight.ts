import { setImmediate as otherWork } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { addressOf, Customers, SUPPRESSION_REASONS, Suppressions } from '#customers';
import { Database, HeavyReads } from '#database';
import { Clock, currencyExponent, type Tenant, toDecimal } from '#kernel';
import { Segments } from '#segments';
import { type Channel, type Settings, SettingsService } from '#tenants';
import { BoundedReads } from './bounded-reads.js';
import type { Channel as Carrier } from './channels/channel.js';
import { Channels } from './channels/channels.js';
import { comesNever, holds } from './decision.js';
import { type Draft, DraftWriter, type Measured } from './draft-writer.js';
import { type MergeField, mergeFields } from './merge-fields.js';
import { sendWindowOf } from './options.js';
import { addressesSql, lastSql, PREFLIGHT_REASONS, type PreflightReason, sampleSql, SHARED, type Waterfall, waterfallSql } from './preflight.queries.js';
import type { SmsSegments } from './sms-segments.js';
import { contentsSent } from './variants.js';

/** For the whole preflight, in milliseconds. */
const LONGEST_MS = 30_000;
/** Members whose addresses one query reads. */
const PAGE = 10_000;
/** Addresses hashed before other work gets its turn: about a millisecond. */
const AT_ONCE = 1_000;
/** Less than every customer number. */
const NOBODY = -1;
/** Messages written as a sample, and how long that may take, in milliseconds. */
const SAMPLE = 100;
const SAMPLE_MS = 4_000;

export interface ChannelForecast {
  channel: Channel;
  audience: number;
  sendable: number;
  /** Together with `sendable` they make up the audience. */
  skipped: { reason: PreflightReason; customers: number }[];
  missing_fields: { field: string; customers: number }[];
  sms: SmsForecast | null;
  messages_per_second: number | null;
  expected_seconds: number | null;
  expected_finish: string | null;
}

export interface SmsForecast {
  /** Messages in the sample. */
  sampled: number;
  /** How many of those need UCS-2. */
  ucs2: number;
  most_segments: number;
  expected_segments: number;
  /** Null if the price of a segment is not known. */
  expected_cost: { amount: number; currency: string } | null;
}

export interface Forecast {
  channels: ChannelForecast[];
  /** How many of the audience are in each of the other segments. */
  shared: ReadonlyMap<number, number>;
}

/** Some members' numbers, and their addresses in the same order. */
interface AddressPage {
  numbers: number[];
  addresses: string[];
  /** The greatest number of the page's members; null of none. */
  last: number | null;
}

/** A channel that sends before, with a bit for each customer number, set for those whose addresses are suppressed. */
interface Written {
  channel: Channel;
  suppressed: Buffer;
}

interface Tally {
  reason: PreflightReason | null;
  customers: number;
  addresses: number;
  [missing: `missing_${number}`]: number;
}

/** A campaign to look ahead to. */
export interface Plan extends Draft {
  segmentNo: number;
  startAt: Date | null;
}

/** Looks ahead to what a campaign would do if it started now, in a transaction that cannot write. */
@Injectable()
export class Preflight {
  constructor(
    private readonly database: Database,
    private readonly heavyReads: HeavyReads,
    private readonly clock: Clock,
    private readonly segments: Segments,
    private readonly customers: Customers,
    private readonly suppressions: Suppressions,
    private readonly settings: SettingsService,
    private readonly channels: Channels,
    private readonly drafts: DraftWriter,
  ) {}

  /**
   * @param load reads the campaign in the same transaction, and the segments to compare its audience with
   * @throws RequestError unavailable when it takes too long, or too many others wait
   */
  look<Found extends { plan: Plan; others: readonly number[] }>(tenant: Tenant, load: (tx: EntityManager) => Promise<Found>): Promise<Forecast & { found: Found }> {
    return this.heavyReads.run(tenant, () =>
      this.database.inTenant(tenant, async (tx) => {
        const reads = new BoundedReads(tx, LONGEST_MS, 'Looking ahead takes too long now.');
        await reads.query(`SELECT set_config('transaction_read_only', 'on', true), set_config('work_mem', '64MB', true)`);
        const found = await load(tx);
        const { plan } = found;
        const settings = await this.settings.of(tx, tenant);
        const carriers = await this.channels.of(tx, tenant);
        const forecasts: ChannelForecast[] = [];
        const before: Written[] = [];
        for (const channel of plan.channels) {
          const { forecast, written } = await this.forecast(reads, tenant, plan, channel, settings, carriers.get(channel), before);
          forecasts.push(forecast);
          before.push(...written);
        }
        const shared = await reads.query<{ segment_no: number; customers: number }[]>(SHARED, [tenant.id, plan.segmentNo, found.others]);
        return { found, channels: forecasts, shared: new Map(shared.map(({ segment_no, customers }) => [segment_no, customers])) };
      }),
    );
  }

  private async forecast(reads: BoundedReads, tenant: Tenant, plan: Plan, channel: Channel, settings: Settings, carrier: Carrier | undefined, before: readonly Written[]): Promise<{ forecast: ChannelForecast; written: Written[] }> {
    const { type, content, options, segmentNo, campaignId, endsAt, promoCode } = plan;
    const now = this.clock.now();
    const start = plan.startAt !== null && plan.startAt > now ? plan.startAt : now;
    const fields = mergeFields(channel, ...contentsSent(content, options.variants).map((sent) => sent.content)).filter(({ name }) => name !== 'promo_code' || promoCode === null);
    const transactional = type === 'transactional';
    const never = comesNever({ type, now: start, quietHours: settings.quiet_hours[channel], timezone: settings.timezone, sendWindow: sendWindowOf(options) });
    const rules = { transactional, continuous: options.delivery_mode === 'continuous', never, before: before.map((one) => one.channel) };
    const waterfall: Waterfall = { channel, ...rules, members: this.segments.membersSql, excluded: this.segments.membersOfAnySql('$3'), fields };
    const suppressed = await this.suppressed(reads, tenant, segmentNo, waterfall);
    const cap = settings.frequency_cap;
    const since = new Date(start.getTime() - (cap?.per_days ?? 0) * 86_400_000);
    const values = [tenant.id, segmentNo, options.exclude_segment_ids ?? null, endsAt !== null && endsAt <= start, suppressed, cap?.max ?? null, since, options.holdout_percent ?? 0, campaignId, ...before.map((one) => one.suppressed)];
    const rows = await reads.query<Tally[]>(waterfallSql(waterfall), values);
    const writable = rows.find(({ reason }) => reason === null);
    const addresses = writable?.addresses ?? 0;
    const counts = new Map(rows.map(({ reason, customers }) => [reason, customers]));
    counts.set('duplicate_address', (writable?.customers ?? 0) - addresses);
    const sample = addresses === 0 ? [] : await this.sample(reads, tenant, plan, waterfall, values, settings, carrier);
    const faulty = countBy(sample.flatMap(({ error }) => error ?? []));
    for (const [fault, count] of faulty) counts.set(fault, Math.floor((count * addresses) / sample.length));
    const sendable = addresses - [...faulty.keys()].reduce((sum, fault) => sum + counts.get(fault)!, 0);
    const perSecond = carrier?.perSecond ?? null;
    const seconds = perSecond === null ? null : Math.ceil(sendable / perSecond);
    const forecast: ChannelForecast = {
      channel,
      audience: rows.reduce((sum, { customers }) => sum + customers, 0),
      sendable,
      skipped: PREFLIGHT_REASONS.flatMap((reason) => (counts.get(reason) ? [{ reason, customers: counts.get(reason)! }] : [])),
      missing_fields: missingOf(fields, writable),
      sms: channel === 'sms' ? smsForecast(sample.flatMap(({ sms, error }) => (sms !== null && error === null ? [sms] : [])), sendable, settings) : null,
      messages_per_second: perSecond,
      expected_seconds: seconds,
      expected_finish: seconds === null ? null : new Date(start.getTime() + seconds * 1_000).toISOString(),
    };
    return { forecast, written: transactional || never || cap === null ? [] : [{ channel, suppressed }] };
  }

  /** A bit for each customer number, set for members whose addresses are suppressed. PostgreSQL does not have the key of the hashes, so the addresses are read here, in pages: PostgreSQL reads the next page while this one is hashed. */
  private async suppressed(reads: BoundedReads, tenant: Tenant, segmentNo: number, waterfall: Waterfall): Promise<Buffer> {
    const { channel, transactional } = waterfall;
    const isSuppressed = await this.suppressions.all(reads, tenant, channel, SUPPRESSION_REASONS.filter((reason) => holds(reason, channel, transactional)));
    if (isSuppressed === null) return Buffer.alloc(0);
    const [{ last }] = await reads.query<[{ last: number | null }]>(lastSql(waterfall), [tenant.id, segmentNo]);
    const found = Buffer.alloc(((last ?? NOBODY) >> 3) + 1);
    const sift = async ({ numbers, addresses }: AddressPage): Promise<void> => {
      for (let at = 0; at < addresses.length; at++) {
        const no = numbers[at]!;
        if (isSuppressed(addresses[at]!)) found[no >> 3]! |= 1 << (no & 7); // as get_bit() counts them; of whoever came behind the last, nothing is kept
        if (at % AT_ONCE === 0) await otherWork();
      }
      numbers.length = addresses.length = 0; // a page that V8 has moved to its old objects keeps the pages after it alive until a full collection: 90 MB of a million, unless it is empty
    };
    const sql = addressesSql(waterfall, PAGE);
    const read = async (after: number): Promise<AddressPage> => (await reads.query<[AddressPage]>(sql, [tenant.id, segmentNo, after]))[0];
    for (let page = await read(NOBODY); page.last !== null; ) [page] = await Promise.all([read(page.last), sift(page)]);
    return found;
  }

  /** Writes a sample of the messages. */
  private async sample(reads: BoundedReads, tenant: Tenant, draft: Draft, waterfall: Waterfall, values: unknown[], settings: Settings, carrier: Carrier | undefined): Promise<Measured[]> {
    const { channel } = waterfall;
    const some = (await reads.query<{ customer_no: number }[]>(sampleSql(waterfall, SAMPLE), values)).map((row) => row.customer_no);
    const profiles = await this.customers.profiles(reads.tx, tenant, some);
    const until = performance.now() + SAMPLE_MS;
    const measured: Measured[] = [];
    for (const profile of profiles.values()) {
      measured.push(this.drafts.measure(tenant, { draft, channel, profile, settings, address: addressOf(profile, channel) ?? '', carrier }));
      if (performance.now() > until) break;
      await otherWork();
    }
    return measured;
  }
}

function smsForecast(sample: readonly SmsSegments[], sendable: number, settings: Settings): SmsForecast {
  const sum = sample.reduce((total, { segments }) => total + segments, 0);
  const expected = sample.length === 0 ? 0 : Math.round((sum / sample.length) * sendable);
  return {
    sampled: sample.length,
    ucs2: sample.filter(({ encoding }) => encoding === 'ucs2').length,
    most_segments: Math.max(0, ...sample.map(({ segments }) => segments)),
    expected_segments: expected,
    expected_cost: settings.sms_price_per_segment === null ? null : { amount: priceOf(expected, settings.sms_price_per_segment, settings.currency), currency: settings.currency },
  };
}

function countBy<T>(all: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1);
  return counts;
}

/** A price may be a fraction of the currency's smallest unit; a sum is rounded to it, once. */
const priceOf = (count: number, each: number, currency: string): number => toDecimal(Math.round(Number((count * each * 10 ** currencyExponent(currency)).toFixed(6))), currency);

function missingOf(fields: readonly MergeField[], writable: Tally | undefined): { field: string; customers: number }[] {
  return fields.map(({ name }, at) => ({ field: name, customers: writable?.[`missing_${at}`] ?? 0 })).filter(({ customers }) => customers > 0);
}
