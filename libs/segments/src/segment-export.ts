import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { stringify } from 'csv-stringify/sync';
import type { Client } from 'pg';
import type { Principal } from '#auth';
import { tagsCell } from '#customers';
import { Database } from '#database';
import { defused, type Tenant } from '#kernel';
import { AuditLog, CHANNELS } from '#tenants';
import { SegmentError } from './segment.errors.js';
import type { SegmentRow } from './segment.js';
import { EXPORT_PAGE, FIND } from './segments.queries.js';

/** Header by column, as `POST /customers/import` takes them. */
const COLUMNS = {
  ...Object.fromEntries(['customer_id', 'email', 'phone', 'first_name', 'last_name', 'locale', 'timezone', 'birthday', 'city', 'loyalty_tier', 'loyalty_points', 'tags'].map((name) => [name, name])),
  ...Object.fromEntries(CHANNELS.flatMap((channel) => [[`consent_${channel}`, `consents.${channel}.status`], ...['source', 'at'].map((of) => [`consents.${channel}.${of}`, `consents.${channel}.${of}`])])),
};

/** Lines end as RFC 4180 says. */
const FORMAT = { columns: COLUMNS, record_delimiter: 'windows', cast: { string: defused } } as const;

const ROWS = 1_000;

/** Hands out a segment's members as a file. */
@Injectable()
export class SegmentExport {
  constructor(
    private readonly database: Database,
    private readonly auditLog: AuditLog,
  ) {}

  /** All as it is at one instant: rows are read a page at a time, as fast as the caller takes them and no longer than the caller stays. */
  async csv({ tenant, subject }: Principal, segmentId: string): Promise<Readable> {
    const segment = await this.database.inTenant(tenant, async (tx) => {
      const [row] = await tx.query<SegmentRow[]>(FIND, [tenant.id, segmentId]);
      if (row === undefined) throw new SegmentError('segment_not_found');
      await this.auditLog.add(tx, tenant, subject, 'segment.exported', { segment_id: segmentId, size: row.size });
      return row;
    });
    const { client, end } = await this.database.snapshot(tenant);
    const lines = Readable.from(this.lines(client, tenant, segment.segment_no), { objectMode: false });
    lines.once('close', () => void end().catch(() => undefined));
    return lines;
  }

  private async *lines(client: Client, tenant: Tenant, segmentNo: number): AsyncGenerator<string> {
    yield stringify([], { ...FORMAT, header: true });
    for (let last = -1; ; ) {
      const { rows } = await client.query<ExportedRow>({ text: EXPORT_PAGE, values: [tenant.id, segmentNo, last, ROWS], name: 'segment_export' });
      if (rows.length === 0) return;
      yield stringify(rows.map((row) => ({ ...row, tags: tagsCell(row.tags) })), FORMAT);
      last = rows.at(-1)!.customer_no;
    }
  }
}

interface ExportedRow {
  customer_no: number;
  tags: string[];
}
