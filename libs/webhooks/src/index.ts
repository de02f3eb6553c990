export { Inbox } from './inbox.js';
export { InboxRetention } from './inbox-retention.js';
export { Senders } from './senders.js';
export { WebhooksModule } from './webhooks.module.js';
