import { PromoTermsDto } from './create-promo.dto.js';

/** A merge patch: what is left out stays, null clears, `applies_to` and `schedule` are merged member by member (to go from all items to some, set `all_items: null`). Code and type cannot change. */
export class UpdatePromoDto extends PromoTermsDto {}
