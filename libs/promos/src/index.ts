export { PROMO_REDEEMED, PROMO_ROLLED_BACK } from './promo.events.js';
export { PromoError } from './promo.errors.js';
export { IsPromoCode, normaliseCode, PROMO_CODE } from './promo-code.js';
export { type CampaignDates, type CampaignPromo, Promos, type PromoValidity } from './promos.js';
export { sampleCode } from './unique-code.js';
export { UniqueCodes } from './unique-codes.js';
export * from './promos.module.js';
