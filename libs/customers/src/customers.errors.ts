import { domainError } from '#kernel';

export class CustomerError extends domainError({
  customer_not_found: [404, 'No such customer.'],
}) {}

export class ImportError extends domainError({
  import_not_found: [404, 'No such import.'],
}) {}
