import { eventType } from '#jobs';
import type { CampaignStatus, CampaignWarning } from './campaign.js';
import type { CampaignEntity } from './campaign.entity.js';

export interface CampaignMove {
  campaign_id: string;
  name: string;
  move: 'started' | 'paused' | 'resumed' | 'completed' | 'canceled';
  status: CampaignStatus;
  /** Why the sender paused it; null when somebody did. */
  reason: CampaignWarning | null;
}

/** A campaign began, was paused, went on, or is over. */
export const CAMPAIGN_MOVED = eventType<CampaignMove>('campaign.moved');

/** What there is to tell of a campaign that had the status `before`; null when nothing that others know of has changed. */
export function moveOf(before: CampaignStatus, { campaignId, name, status, canceledAt, warnings }: CampaignEntity): CampaignMove | null {
  const told = { campaign_id: campaignId, name, status, reason: null };
  if (before === status) return null;
  if (status === 'completed') return { ...told, move: canceledAt === null ? 'completed' : 'canceled' };
  if (status === 'paused') return { ...told, move: 'paused', reason: warnings[0] ?? null };
  if (status === 'active') return { ...told, move: before === 'paused' ? 'resumed' : 'started' };
  return null;
}
