import { Injectable } from '@nestjs/common';
import { Database } from '#database';

/** Sees to it that every month an event falls in has its partition. Asks the database once a month and process. */
@Injectable()
export class EventMonths {
  private readonly known = new Set<string>();

  constructor(private readonly database: Database) {}

  /** In a transaction of its own: a new partition locks the whole table for a moment, which no batch should hold. */
  async ensure(instants: readonly Date[]): Promise<void> {
    const months = new Set(instants.map((at) => `${at.toISOString().slice(0, 7)}-01`));
    for (const month of [...months].filter((one) => !this.known.has(one)).sort()) {
      await this.database.inNoTenant((tx) => tx.query('SELECT ensure_event_month($1::date)', [month]));
      this.known.add(month);
    }
  }
}
