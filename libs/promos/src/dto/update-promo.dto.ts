import { PromoTermsDto } from './create-promo.dto.js';

/** A merge patch: what is left out stays, null clears. Code and type are for ever. */
export class UpdatePromoDto extends PromoTermsDto {}
