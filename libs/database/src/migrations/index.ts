import { Foundation1764000000000 } from './1764000000000-foundation.js';
import { Customers1764000001000 } from './1764000001000-customers.js';
import { Segments1764000002000 } from './1764000002000-segments.js';
import { Events1764000003000 } from './1764000003000-events.js';
import { Promos1764000004000 } from './1764000004000-promos.js';
import { Delivery1764000005000 } from './1764000005000-delivery.js';
import { Campaigns1764000008000 } from './1764000008000-campaigns.js';
import { Webhooks1764000009000 } from './1764000009000-webhooks.js';
import { Subscriptions1764000010000 } from './1764000010000-subscriptions.js';

/** Every migration, oldest first; a new one is added at the end and never changed after a release. */
export const migrations = [Foundation1764000000000, Customers1764000001000, Segments1764000002000, Events1764000003000, Promos1764000004000, Delivery1764000005000, Campaigns1764000008000, Webhooks1764000009000, Subscriptions1764000010000];
