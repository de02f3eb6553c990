export { isCustomerId } from './customer-id.js';
export { normaliseEmail, normalisePhone } from './contact.js';
export { type ConsentSetting, Customers, type OrderFacts } from './customers.js';
export { CustomersModule } from './customers.module.js';
export { PersonalData, type PersonalDataSource, type TimelineEntry } from './personal-data.js';
export { addressOf, type Consent, CONSENT_STATUSES, type ConsentPatch, type ConsentStatus, type CustomerProfile, PROFILE_FIELDS, type ProfileFields, type ProfilePatch } from './profile.js';
export { SUPPRESSION_REASONS, type SuppressionEntry, type SuppressionReason, Suppressions } from './suppressions.js';
