export { type ChannelContent, type Content, contentFor, localesOf } from './content.js';
export { type Counters, type Metric, METRICS } from './counters.js';
export { type DeliveryKey, decodeDeliveryId, encodeDeliveryId } from './delivery-id.js';
export { Delivery } from './delivery.service.js';
export * from './delivery.module.js';
export { type Mailing, MAILING_FINISHED, MAILING_HELD } from './mailing.js';
export { DELIVERY_MODES, type DeliveryMode, type MailingOptions, type SendWindow, type StopRules, type Utm } from './options.js';
export type { Unready } from './readiness.js';
export { type Receipt, type ReceiptResult, type ReceiptType, RECEIPT_TYPES } from './receipt.js';
