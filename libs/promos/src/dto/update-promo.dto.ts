import { PromoTermsDto } from './create-promo.dto.js';

/** A merge patch: what is left out stays, null clears, `applies_to` and `schedule` are merged member by member (to go from all items to some, say `all_items: null`). Code and type are for ever. */
export class UpdatePromoDto extends PromoTermsDto {}
