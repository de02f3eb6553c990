export { PROMO_REDEEMED, PROMO_ROLLED_BACK } from './promo.events.js';
export { PromoError } from './promo.errors.js';
export { normaliseCode, PROMO_CODE } from './promo-code.js';
export { type CampaignPromo, Promos } from './promos.js';
export * from './promos.module.js';
