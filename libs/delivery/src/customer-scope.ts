import type { CustomerProfile } from '#customers';
import type { Json } from '#kernel';

/** What a template may say of a customer. */
export function customerScope(profile: CustomerProfile): Record<string, Json> {
  const { customer_id, email, phone, first_name, last_name, locale, timezone, birthday, city, loyalty_tier, loyalty_points, tags, attributes } = profile;
  return { customer_id, email, phone, first_name, last_name, locale, timezone, birthday, city, loyalty_tier, loyalty_points, tags, attributes };
}
