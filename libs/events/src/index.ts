export { Events, type StandingOrder } from './events.js';
export { EventsModule } from './events.module.js';
export { ORDERS_RECORDED, type RecordedOrder } from './orders-recorded.js';
export * from './stages.js';
