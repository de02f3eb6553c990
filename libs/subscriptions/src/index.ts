export { EVENT_MODELS } from './event-catalogue.js';
export { OutgoingData } from './outgoing-data.js';
export { SubscriptionsModule } from './subscriptions.module.js';
export { webhooksDocument } from './webhooks-document.js';
