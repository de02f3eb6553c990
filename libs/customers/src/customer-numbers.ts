import { Injectable } from '@nestjs/common';
import { Database } from '#database';
import type { Tenant } from '#kernel';

/** Numbers a process reserves at once, so that creators in different processes never wait for each other. Unused ones leave gaps. */
const BLOCK = 256;

/** Who needs many will need as many again, such as the next rows of a file: a connection for each time took a twentieth of an import. */
const TIMES = 10;

interface Block {
  next: number;
  end: number;
}

/** Hands out customer numbers, dense within a tenant (the hi/lo method). */
@Injectable()
export class CustomerNumbers {
  private readonly blocks = new Map<number, Block>();
  private readonly turns = new Map<number, Promise<unknown>>();

  constructor(private readonly database: Database) {}

  /** `count` new numbers of the tenant, ascending. */
  take(tenant: Tenant, count: number): Promise<number[]> {
    const turn = (this.turns.get(tenant.id) ?? Promise.resolve()).catch(() => undefined).then(() => this.draw(tenant, count));
    this.turns.set(tenant.id, turn);
    return turn;
  }

  private async draw(tenant: Tenant, count: number): Promise<number[]> {
    const numbers: number[] = [];
    while (numbers.length < count) {
      const block = this.blocks.get(tenant.id);
      if (block === undefined || block.next >= block.end) this.blocks.set(tenant.id, await this.reserve(tenant, Math.max(BLOCK, TIMES * (count - numbers.length))));
      else numbers.push(block.next++);
    }
    return numbers;
  }

  /** Commits at once, on a connection outside the pool: the caller holds one of the pool's, and callers waiting for a second one would deadlock the pool. */
  private reserve(tenant: Tenant, size: number): Promise<Block> {
    return this.database.withClient(tenant, async (client) => {
      const { rows } = await client.query<{ end: number }>(
        `INSERT INTO customer_ordinals AS ordinals (tenant_id, next) VALUES ($1, 1 + $2::int)
         ON CONFLICT (tenant_id) DO UPDATE SET next = ordinals.next + $2::int RETURNING next AS "end"`,
        [tenant.id, size],
      );
      const { end } = rows[0]!;
      return { next: end - size, end };
    });
  }
}
