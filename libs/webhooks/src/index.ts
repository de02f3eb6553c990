export { InboxRetention } from './inbox-retention.js';
export { WebhooksModule } from './webhooks.module.js';
