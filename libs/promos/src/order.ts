import { currencyExponent, type Fault, isCurrency, toMinor } from '#kernel';
import type { OrderDto } from './dto/order.dto.js';

export interface Line {
  id: string;
  productId: string | null;
  categoryIds: readonly string[];
  /** Quantity × unit price. */
  amount: number;
}

/** An order as the rules see it; amounts in minor units of its currency. */
export interface Order {
  id: string;
  currency: string;
  lines: readonly Line[];
  deliveryFee: number;
  /** The items' sum, which a minimum is held against. */
  subtotal: number;
  /** With the delivery fee. */
  amount: number;
  locationId: string | null;
  channel: string | null;
}

/** A bound that keeps every sum within the integers a double can name. */
const MOST = 10 ** 13;

/** @param currency the tenant's, which an order that names none is in */
export function readOrder(dto: OrderDto, currency: string): { order: Order; faults: Fault[] } {
  const faults: Fault[] = [];
  const own = dto.currency ?? currency;
  if (!isCurrency(own)) faults.push({ pointer: '/order/currency', code: 'is_currency', detail: 'currency must be an ISO 4217 code' });
  const minor = (amount: number, quantity: number, pointer: string): number => {
    const one = toMinor(amount, own);
    if (one === null) faults.push({ pointer, code: 'decimals', detail: `${own} has ${currencyExponent(own)} decimals` });
    else if (one * quantity > MOST) faults.push({ pointer, code: 'out_of_range', detail: 'The amount is too large.' });
    return (one ?? 0) * quantity;
  };
  const lines = dto.items.map((item, index) => ({
    id: item.id,
    productId: item.product_id ?? null,
    categoryIds: item.category_ids ?? [],
    amount: minor(item.unit_price, item.quantity, `/order/items/${index}/unit_price`),
  }));
  const deliveryFee = minor(dto.delivery_fee ?? 0, 1, '/order/delivery_fee');
  const subtotal = lines.reduce((sum, { amount }) => sum + amount, 0);
  return {
    order: { id: dto.id, currency: own, lines, deliveryFee, subtotal, amount: subtotal + deliveryFee, locationId: dto.location_id ?? null, channel: dto.channel ?? null },
    faults,
  };
}
