import { domainError } from '#kernel';

export class SettingsError extends domainError({
  currency_fixed: [409, 'The currency cannot change once money was recorded.'],
  settings_in_use: [409, 'What was made with these settings cannot be with the new ones.'],
}) {}
