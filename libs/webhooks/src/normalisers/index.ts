import { envelope } from './envelope.js';
import { hubspotEvents } from './hubspot.js';
import { mailchimpAudience } from './mailchimp.js';
import { mandrillEvents } from './mandrill.js';
import type { Normaliser } from './normaliser.js';
import { sendgridEvents } from './sendgrid.js';
import { twilioMessages } from './twilio.js';

/** By the name that is stored with each body, which is read again when its events are processed or replayed. */
export const NORMALISERS: ReadonlyMap<string, Normaliser> = new Map([envelope, sendgridEvents, twilioMessages, mailchimpAudience, mandrillEvents, hubspotEvents].map((one) => [one.name, one]));
