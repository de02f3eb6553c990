import { eventType } from '#jobs';
import type { Channel } from '#tenants';
import type { Content } from './content.js';
import type { MailingOptions } from './options.js';

/** A campaign at the moment it starts: from here on the mailing is what is sent, whatever happens to the draft. */
export interface Mailing {
  campaignId: string;
  campaignNo: number;
  name: string;
  type: string;
  channels: Channel[];
  segmentNo: number;
  content: Content;
  promoId: string | null;
  promoCode: string | null;
  endsAt: Date | null;
  priority: number;
  options: MailingOptions;
}

/** Why a mailing cannot go on. */
export interface Hindrance {
  code: string;
  detail: string;
}

/** The sender paused the mailing. */
export const MAILING_HELD = eventType<{ campaign_id: string; code: string; detail: string }>('mailing.held');

/** Every recipient is accounted for and the campaign's end, if it has one, has passed. May be told again after an operator had an `unknown` sent once more. */
export const MAILING_FINISHED = eventType<{ campaign_no: number; campaign_id: string }>('mailing.finished');
