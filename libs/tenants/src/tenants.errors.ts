import { domainError } from '#kernel';

export class SettingsError extends domainError({
  currency_fixed: [409, 'The currency cannot change once money was recorded.'],
}) {}
