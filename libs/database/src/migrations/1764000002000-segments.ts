import type { MigrationInterface, QueryRunner } from 'typeorm';
import { countedTable, tenantTable } from '../tenant-table.js';

/** Segments and their materialised membership. */
export class Segments1764000002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE segments (
        tenant_id int NOT NULL REFERENCES tenants,
        segment_no int GENERATED ALWAYS AS IDENTITY,
        segment_id text NOT NULL,
        name text NOT NULL,
        description text,
        type text NOT NULL CHECK (type IN ('static', 'dynamic', 'imported')),
        criteria jsonb,
        size int NOT NULL DEFAULT 0,
        last_updated timestamptz,
        followed_at timestamptz NOT NULL DEFAULT now(),
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version int NOT NULL DEFAULT 1,
        PRIMARY KEY (tenant_id, segment_no),
        CONSTRAINT segments_segment_id UNIQUE (tenant_id, segment_id)
      );
      CREATE TABLE segment_members (
        tenant_id int NOT NULL,
        segment_no int NOT NULL,
        customer_no int NOT NULL,
        PRIMARY KEY (tenant_id, segment_no, customer_no)
      ) PARTITION BY HASH (tenant_id);
      -- With the segment, so that the segments of ten thousand customers are read from the index alone.
      CREATE UNIQUE INDEX segment_members_customer ON segment_members (tenant_id, customer_no, segment_no);
      -- Growth by day: a row where something changed.
      CREATE TABLE segment_history (
        tenant_id int NOT NULL,
        segment_no int NOT NULL,
        day date NOT NULL,
        size int NOT NULL,
        entered int NOT NULL,
        exited int NOT NULL,
        PRIMARY KEY (tenant_id, segment_no, day),
        FOREIGN KEY (tenant_id, segment_no) REFERENCES segments ON DELETE CASCADE
      );
      CREATE TABLE segment_repairs (
        tenant_id int PRIMARY KEY REFERENCES tenants,
        next_no int NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL
      );
      -- What time moves is found by the instants that a border has passed.
      CREATE INDEX customers_created ON customers (tenant_id, created_at);
      CREATE INDEX customers_first_order ON customers (tenant_id, first_order_at) WHERE first_order_at IS NOT NULL;
      CREATE INDEX customers_last_order ON customers (tenant_id, last_order_at) WHERE last_order_at IS NOT NULL;
      -- For borders as far behind the last order as so many gaps: of gaps of one length they are a range.
      CREATE INDEX customers_order_gap ON customers (tenant_id, order_gap_days, last_order_at) WHERE order_gap_days IS NOT NULL;`);
    for (let part = 0; part < 8; part++) {
      await runner.query(`CREATE TABLE segment_members_${part} PARTITION OF segment_members FOR VALUES WITH (MODULUS 8, REMAINDER ${part})`);
    }
    await tenantTable(runner, 'segments');
    await tenantTable(runner, 'segment_members');
    await tenantTable(runner, 'segment_history');
    await tenantTable(runner, 'segment_repairs');
    await countedTable(runner, 'segments', ['type']);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX customers_created, customers_first_order, customers_last_order, customers_order_gap;
      DROP TABLE segment_repairs, segment_history, segment_members, segments;
      DROP FUNCTION count_segments_insert, count_segments_delete, count_segments_update;`);
  }
}
