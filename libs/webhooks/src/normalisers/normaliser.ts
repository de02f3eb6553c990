import type { ProviderId } from '../providers.js';
import type { InboundEvent, ItemFault } from './inbound-event.js';

/** What a body holds. An item that cannot be stored (U+0000, nested too deep) is undefined; it does not spoil the others. */
export interface Items {
  items: unknown[];
  /** Whether it was a list: then a bad item is kept as failed, while a single bad one is refused. */
  batch: boolean;
}

/** Reads what one provider or format sends. Pure: a stored item is read again when it is processed or replayed. */
export interface Normaliser {
  readonly name: string;
  /** Media types of its bodies. */
  readonly consumes: readonly string[];
  /**
   * @param query of the URL that was posted to, without the connection's key and secret
   * @throws RequestError validation_failed for a body that is not of this format at all, or that exceeds its bounds
   */
  split(body: Buffer, query: URLSearchParams): Items;
  /** The provider's name for the item's type; null if it has none. */
  type(item: unknown): string | null;
  read(provider: ProviderId, item: unknown): InboundEvent | ItemFault;
}
