import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Name, PersonalData, type PersonalDataSource, type ProfilePatch } from '#customers';
import type { Tenant } from '#kernel';
import type { ClaimedEvent } from './outcome.js';
import { contactCustomerId } from './persons.js';
import type { ProviderId } from './providers.js';

/** The profile fields that providers report; each has a column `…_at` in `webhook_profiles`. */
const FIELDS = ['email', 'phone', 'first_name', 'last_name'] as const;

type ToldPatch = Pick<ProfilePatch, (typeof FIELDS)[number]>;

/** A contact event, the customer that the contact is, and the profile fields that the event reports. */
export interface Telling extends ClaimedEvent {
  customerNo: number;
  patch: ToldPatch;
}

const columns = (write: (field: string) => string): string => FIELDS.map((field) => write(`${field}_at`)).join(', ');

/** `$2` providers, `$3` ids. */
const FIND = `
  SELECT provider, contact_id, customer_no FROM webhook_contacts
   WHERE tenant_id = $1 AND provider = ANY ($2::text[]) AND contact_id = ANY ($3::text[])`;

/** Links contacts to customers for good: a link that exists is kept. `$2` providers, `$3` ids, `$4` customer numbers. */
const LINK = `
  INSERT INTO webhook_contacts (tenant_id, provider, contact_id, customer_no)
  SELECT $1, * FROM unnest($2::text[], $3::text[], $4::int[]) AS contact (provider, contact_id, customer_no) ORDER BY provider, contact_id
  ON CONFLICT (tenant_id, provider, contact_id) DO NOTHING`;

/** Notes as of when each field of the customers `$2` is reported (`$3` … in the order of {@link FIELDS}, null where it is not), and returns the latest instants known. */
const TELL = `
  INSERT INTO webhook_profiles AS known (tenant_id, customer_no, ${columns((at) => at)})
  SELECT $1, customer_no, ${columns((at) => `max(${at})`)}
    FROM unnest($2::int[], ${FIELDS.map((_, index) => `$${index + 3}::timestamptz[]`).join(', ')}) AS told (customer_no, ${columns((at) => at)})
   GROUP BY customer_no ORDER BY customer_no
  ON CONFLICT (tenant_id, customer_no) DO UPDATE SET ${columns((at) => `${at} = greatest(known.${at}, excluded.${at})`)}
  RETURNING customer_no, ${columns((at) => at)}`;

/** Merges `$2` into `$3` as profiles are merged: the survivor keeps what it has and gains what it lacks. */
const MERGE_CONTACTS = 'UPDATE webhook_contacts SET customer_no = $3 WHERE tenant_id = $1 AND customer_no = $2';
const MERGE_PROFILES = `
  INSERT INTO webhook_profiles AS known (tenant_id, customer_no, ${columns((at) => at)})
  SELECT tenant_id, $3, ${columns((at) => at)} FROM webhook_profiles WHERE tenant_id = $1 AND customer_no = $2
  ON CONFLICT (tenant_id, customer_no) DO UPDATE SET ${columns((at) => `${at} = coalesce(known.${at}, excluded.${at})`)}`;

const CONTACTS_OF = 'SELECT provider, contact_id FROM webhook_contacts WHERE tenant_id = $1 AND customer_no = $2 ORDER BY provider, contact_id';
const TOLD_OF = `SELECT ${columns((at) => at)} FROM webhook_profiles WHERE tenant_id = $1 AND customer_no = $2`;

/** Which customers the providers' contacts became, and as of when each of their fields was reported. */
@Injectable()
export class KnownContacts implements PersonalDataSource, OnModuleInit {
  readonly name = 'provider_contacts';
  readonly timelines = {};

  constructor(private readonly personalData: PersonalData) {}

  onModuleInit(): void {
    this.personalData.register(this);
  }

  /** The numbers of the customers that the events' contacts became, whatever their addresses are now. */
  async find(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[]): Promise<Map<ClaimedEvent, number>> {
    const contacts = claimed.filter(({ event }) => event.contactId !== null);
    if (contacts.length === 0) return new Map();
    const rows = await tx.query<{ provider: string; contact_id: string; customer_no: number }[]>(FIND, [tenant.id, ...namesOf(contacts)]);
    const numbers = new Map(rows.map((row) => [`${row.provider}/${row.contact_id}`, row.customer_no]));
    return new Map(contacts.flatMap((one) => {
      const customerNo = numbers.get(`${one.provider}/${one.event.contactId}`);
      return customerNo === undefined ? [] : [[one, customerNo]];
    }));
  }

  /** The names that events use for a customer because of the contacts linked to them. */
  async namesOf(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<Name[]> {
    const contacts = await tx.query<{ provider: ProviderId; contact_id: string }[]>(CONTACTS_OF, [tenant.id, customerNo]);
    return contacts.map((one): Name => `id:${contactCustomerId(one.provider, one.contact_id)}`);
  }

  /**
   * Links the contacts to their customers, and notes as of when each field is reported. The caller holds locks on the customers.
   *
   * @returns for each, in the order given, the fields of its patch that no provider has reported as of a later instant
   */
  async tell(tx: EntityManager, tenant: Tenant, tellings: readonly Telling[]): Promise<ToldPatch[]> {
    if (tellings.length === 0) return [];
    const instants = FIELDS.map((field) => tellings.map(({ at, patch }) => (patch[field] === undefined ? null : at)));
    const rows = await tx.query<({ customer_no: number } & Record<string, Date>)[]>(TELL, [tenant.id, tellings.map((one) => one.customerNo), ...instants]);
    const contacts = tellings.filter(({ event }) => event.contactId !== null);
    if (contacts.length > 0) await tx.query(LINK, [tenant.id, ...namesOf(contacts), contacts.map((one) => one.customerNo)]);
    const latest = new Map(rows.map((row) => [row.customer_no, row]));
    return tellings.map(({ customerNo, at, patch }) => Object.fromEntries(FIELDS.filter((field) => patch[field] !== undefined && at >= latest.get(customerNo)![`${field}_at`]!).map((field) => [field, patch[field]])));
  }

  async export(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<unknown> {
    const contacts = await tx.query<unknown[]>(CONTACTS_OF, [tenant.id, customerNo]);
    const [told] = await tx.query<unknown[]>(TOLD_OF, [tenant.id, customerNo]);
    return { contacts, told: told ?? null };
  }

  /** Nothing to do: the rows are deleted with the customer's. */
  async erase(): Promise<void> {}

  async merge(tx: EntityManager, tenant: Tenant, from: number, into: number): Promise<void> {
    await tx.query(MERGE_CONTACTS, [tenant.id, from, into]);
    await tx.query(MERGE_PROFILES, [tenant.id, from, into]);
  }
}

const namesOf = (claimed: readonly ClaimedEvent[]): [string[], string[]] => [claimed.map((one) => one.provider), claimed.map((one) => one.event.contactId!)];
