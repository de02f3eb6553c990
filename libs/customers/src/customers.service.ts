import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, readBoundedTotal } from '#database';
import { assertNoVersion, assertVersion, DtoPipe, Unstorable, Versioned, type Versions } from '#http';
import { DomainError, type Fault, isInt4, isObject, type Paged, pageWindow, RequestError, type Tenant, toPage, validationFailed } from '#kernel';
import { SettingsService } from '#tenants';
import { isCustomerId } from './customer-id.js';
import { CustomerMerge } from './customer-merge.js';
import { CustomerError } from './customers.errors.js';
import { NUMBER_OF_ID, OF_TENANT } from './customers.queries.js';
import { listStatements, ROW_COLUMNS } from './customers.list.js';
import type { BatchResultDto, BatchRowDto } from './dto/batch-customers.dto.js';
import { CustomerDto, type CustomerRow } from './dto/customer.dto.js';
import type { ListCustomersDto } from './dto/list-customers.dto.js';
import { BatchCustomerDto, type UpsertCustomerDto } from './dto/upsert-customer.dto.js';
import { ProfileWriter } from './profile-writer.js';
import type { ProfilePatch } from './profile.js';

interface Preconditions {
  ifMatch?: Versions;
  ifNoneMatch?: Versions;
}

/** The use cases of `/customers`. */
@Injectable()
export class CustomersService {
  private readonly rows = new DtoPipe();

  constructor(
    private readonly database: Database,
    private readonly merges: CustomerMerge,
    private readonly settings: SettingsService,
    private readonly writer: ProfileWriter,
  ) {}

  async list(tenant: Tenant, query: ListCustomersDto): Promise<Paged<CustomerDto>> {
    const window = pageWindow<readonly [number]>(query, 'customers', ([no, ...rest]) => isInt4(no) && rest.length === 0);
    const [currency, [rows, [total]]] = await Promise.all([
      this.settings.currency(tenant),
      this.database.read<[CustomerRow[], { total: number }[]]>(tenant, ...listStatements(tenant, query, window)),
    ]);
    const filtered = [query.q, query.loyalty_tier, query.city, query.tag].some((one) => one !== undefined);
    const count = filtered ? readBoundedTotal(total!.total) : { count: total!.total, relation: 'eq' as const };
    return toPage(rows, window, count, (row) => CustomerDto.from(row, currency), (row) => [row.customer_no]);
  }

  async get(tenant: Tenant, customerId: string): Promise<Versioned<CustomerDto>> {
    return this.database.inTenant(tenant, (tx) => this.read(tx, tenant, customerId));
  }

  /** @returns the customer, and whether this call created it */
  async upsert(tenant: Tenant, customerId: string, patch: UpsertCustomerDto, { ifMatch, ifNoneMatch }: Preconditions = {}): Promise<{ customer: Versioned<CustomerDto>; created: boolean }> {
    if (!isCustomerId(customerId)) throw validationFailed([{ parameter: 'customer_id', code: 'is_customer_id', detail: 'customer_id takes 1 to 200 characters without control characters or surrounding space, and neither . nor ..' }]);
    return this.database.inTenant(tenant, async (tx) => {
      if (ifMatch !== undefined || ifNoneMatch !== undefined) {
        const version = await this.lockedVersion(tx, tenant, customerId);
        assertVersion(ifMatch, version);
        assertNoVersion(ifNoneMatch, version);
      }
      const [written] = await this.writer.upsert(tx, tenant, [{ customerId, patch: patch as ProfilePatch }], 'sync');
      if (!written!.created && ifNoneMatch === '*') throw new RequestError('version_conflict'); // created by somebody else meanwhile: a row that did not exist could not be locked
      return { customer: await this.read(tx, tenant, customerId), created: written!.created };
    });
  }

  async merge(tenant: Tenant, actor: string, customerId: string, from: string): Promise<Versioned<CustomerDto>> {
    return this.database.inTenant(tenant, async (tx) => {
      await this.merges.merge(tx, tenant, actor, customerId, from);
      return this.read(tx, tenant, customerId);
    });
  }

  /** Good rows are written, bad ones reported. */
  async upsertMany(tenant: Tenant, rows: readonly unknown[]): Promise<BatchResultDto> {
    const checked = await Promise.all(rows.map((row, index) => this.check(row, `/customers/${index}`)));
    const good = checked.flatMap((row, index) => ('faults' in row ? [] : [{ index, customerId: row.customer_id, patch: row as ProfilePatch }]));
    return this.database.inTenant(tenant, async (tx) => {
      const written = good.length === 0 ? [] : await this.writer.upsert(tx, tenant, good, 'sync');
      const created = new Map(written.map((one, position) => [good[position]!.index, one.created]));
      const results = checked.map((row, index): BatchRowDto => {
        if ('faults' in row) return { index, customer_id: idIn(rows[index]), status: 'rejected', errors: row.faults };
        return { index, customer_id: row.customer_id, status: created.get(index) ? 'created' : 'updated' };
      });
      const count = (status: BatchRowDto['status']): number => results.filter((row) => row.status === status).length;
      return { created: count('created'), updated: count('updated'), rejected: count('rejected'), results };
    });
  }

  /** A row as its DTO, or its faults with pointers into the whole body. */
  private async check(row: unknown, at: string): Promise<BatchCustomerDto | { faults: Fault[] }> {
    try {
      return (await this.rows.transform(row, { type: 'body', metatype: BatchCustomerDto })) as BatchCustomerDto;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return { faults: faultsOf(error).map((fault) => ({ ...fault, pointer: at + (fault.pointer ?? '') })) };
    }
  }

  private async read(tx: EntityManager, tenant: Tenant, customerId: string): Promise<Versioned<CustomerDto>> {
    const [row] = await tx.query<CustomerRow[]>(`SELECT ${ROW_COLUMNS} FROM customers WHERE ${OF_TENANT} AND customer_no = ${NUMBER_OF_ID}`, [tenant.id, customerId]);
    if (row === undefined) throw new CustomerError('customer_not_found');
    const { currency } = await this.settings.of(tx, tenant);
    return new Versioned(CustomerDto.from(row, currency), row.version);
  }

  private async lockedVersion(tx: EntityManager, tenant: Tenant, customerId: string): Promise<number | null> {
    const [row] = await tx.query<{ version: number }[]>(`SELECT version FROM customers WHERE ${OF_TENANT} AND customer_no = ${NUMBER_OF_ID} FOR NO KEY UPDATE`, [tenant.id, customerId]);
    return row?.version ?? null;
  }
}

const faultsOf = (error: DomainError): Fault[] => error.context.errors ?? [{ pointer: '', code: error.code, detail: error.message }];

/** The customer id of a refused row, if it has one that can be stored. */
function idIn(row: unknown): string | null {
  if (row instanceof Unstorable) return isObject(row.value) && isCustomerId(row.value.customer_id) ? row.value.customer_id : null;
  return isObject(row) && typeof row.customer_id === 'string' ? row.customer_id : null;
}
