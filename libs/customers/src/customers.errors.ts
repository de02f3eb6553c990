import { domainError } from '#kernel';

export class CustomerError extends domainError({
  customer_not_found: [404, 'No such customer.'],
  customer_merged: [409, 'This customer was merged already.'],
}) {}

export class ImportError extends domainError({
  import_not_found: [404, 'No such import.'],
  invalid_state: [409, 'The import has ended already.'],
}) {}
