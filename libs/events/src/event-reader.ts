import { isCustomerId } from '#customers';
import { DtoPipe } from '#http';
import { RequestError, toMinor } from '#kernel';
import { EventDto, type EventOrderDto } from './dto/record-events.dto.js';
import type { RejectedEventDto } from './dto/events-recorded.dto.js';
import { DERIVED_STAGES, type Stage, stageOf } from './stages.js';

/** An event as it is stored; amounts in minor units. */
export interface ReadEvent {
  id: string;
  type: string;
  customerId: string;
  at: Date;
  stage: Stage | null;
  properties: object | null;
  order: OrderTold | null;
  refund: { orderId: string; amount: number } | null;
}

export interface OrderTold {
  orderId: string;
  total: number;
  promoCode: string | null;
  locationId: string | null;
  channel: string | null;
  items: object[];
}

export const ORDER_COMPLETED = 'order_completed';
export const ORDER_REFUNDED = 'order_refunded';

const FIRST = Date.UTC(2000, 0, 1);
const DAY = 86_400_000;

type Refusal = Omit<RejectedEventDto, 'index'>;

/** Refuses the event it is thrown for, and only that one. */
class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.detail);
  }
}

const pipe = new DtoPipe();

/** Reads each of a batch for itself. */
export async function readEvents(events: readonly unknown[], currency: string, now: Date): Promise<{ read: ReadEvent[]; rejected: RejectedEventDto[] }> {
  const read: ReadEvent[] = [];
  const rejected: RejectedEventDto[] = [];
  for (const [index, event] of events.entries()) {
    try {
      read.push(await readEvent(event, currency, now));
    } catch (error) {
      const { pointer, ...refusal } = refusalOf(error);
      rejected.push({ index, ...refusal, pointer: `/events/${index}${pointer ?? ''}` });
    }
  }
  return { read, rejected };
}

async function readEvent(raw: unknown, currency: string, now: Date): Promise<ReadEvent> {
  const event = (await pipe.transform(raw, { type: 'body', metatype: EventDto })) as EventDto;
  if (!isCustomerId(event.customer_id)) refuse('/customer_id', 'is_customer_id', 'customer_id takes 1 to 200 characters without control characters or surrounding space, and neither . nor ..');
  const at = new Date(event.occurred_at.toUpperCase());
  if (!(at.getTime() >= FIRST && at.getTime() <= now.getTime() + DAY)) refuse('/occurred_at', 'occurred_at_out_of_range', 'occurred_at must be from 2000-01-01 to a day ahead');
  return {
    id: event.id,
    type: event.type,
    customerId: event.customer_id,
    at,
    stage: readStage(event),
    properties: event.properties && Object.keys(event.properties).length > 0 ? event.properties : null,
    ...readOrder(event, currency),
  };
}

/** @throws Refused for a stage that is not the caller's to say */
function readStage({ type, stage: named }: EventDto): Stage | null {
  const stage = type === ORDER_REFUNDED ? null : stageOf(type, named);
  if (named && named !== stage) refuse('/stage', 'stage_mismatch', `${type} is of ${stage === null ? 'no stage' : `the stage ${stage}`}`);
  if (stage !== null && DERIVED_STAGES.includes(stage)) refuse('/stage', 'derived_stage', `${stage} follows from how many orders the customer has; nobody sends it`);
  return stage;
}

function readOrder({ type, order }: EventDto, currency: string): Pick<ReadEvent, 'order' | 'refund'> {
  if (type !== ORDER_COMPLETED && type !== ORDER_REFUNDED) {
    if (order) refuse('/order', 'unexpected_order', `order goes with ${ORDER_COMPLETED} and ${ORDER_REFUNDED} only`);
    return { order: null, refund: null };
  }
  if (!order) return refuse('/order', 'order_required', `${type} needs an order`);
  if (type === ORDER_REFUNDED) return { order: null, refund: { orderId: order.id, amount: minor(order.amount, currency, '/order/amount') } };
  for (const [index, item] of (order.items ?? []).entries()) if (item.unit_price !== undefined) minor(item.unit_price, currency, `/order/items/${index}/unit_price`);
  return { order: told(order, currency), refund: null };
}

const told = (order: EventOrderDto, currency: string): OrderTold => ({
  orderId: order.id,
  total: minor(order.total, currency, '/order/total'),
  promoCode: order.promo_code?.trim().toUpperCase() || null,
  locationId: order.location_id ?? null,
  channel: order.channel ?? null,
  items: order.items ?? [],
});

function minor(amount: number | undefined, currency: string, pointer: string): number {
  if (amount === undefined || amount === null) return refuse(pointer, 'required', `${pointer.slice(pointer.lastIndexOf('/') + 1)} is required`);
  return toMinor(amount, currency) ?? refuse(pointer, 'too_many_decimals', `${currency} does not have so many decimals`);
}

function refuse(pointer: string, code: string, detail: string): never {
  throw new Refused({ pointer, code, detail });
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refused) return error.refusal;
  if (!(error instanceof RequestError)) throw error;
  const [first] = error.context.errors ?? [];
  return { code: first?.code ?? error.code, detail: first?.detail ?? error.message, pointer: first?.pointer };
}
