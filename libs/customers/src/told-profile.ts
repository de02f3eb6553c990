import { DtoPipe } from '#http';
import { RequestError } from '#kernel';
import { UpsertCustomerDto } from './dto/upsert-customer.dto.js';
import type { ProfilePatch } from './profile.js';

const pipe = new DtoPipe();

/**
 * A profile as reported by another system, by the rules of `PUT /customers/{customer_id}`: members that break a rule are left out, since there is
 * nobody to send an error to.
 */
export async function profileAsTold(told: object): Promise<ProfilePatch> {
  try {
    return (await pipe.transform(told, { type: 'body', metatype: UpsertCustomerDto })) as ProfilePatch;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const refused = new Set(error.context.errors?.map(({ pointer }) => pointer!.split('/', 2)[1]));
    return profileAsTold(Object.fromEntries(Object.entries(told).filter(([name]) => !refused.has(name))));
  }
}
