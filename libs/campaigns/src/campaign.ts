/** The vocabulary of campaigns, as the API reference spells it, and the moves between their states. Pure. */
import { CampaignError } from './campaign.errors.js';

export const CAMPAIGN_TYPES = ['onboarding', 'reengagement', 'promotion', 'newsletter', 'transactional', 'loyalty'] as const;
export type CampaignType = (typeof CAMPAIGN_TYPES)[number];

export const CAMPAIGN_STATUSES = ['draft', 'scheduled', 'active', 'paused', 'completed'] as const;
export type CampaignStatus = (typeof CAMPAIGN_STATUSES)[number];

/** Something the caller should know; the campaign was saved nevertheless. */
export interface CampaignWarning {
  code: string;
  detail: string;
}

/** The states from which each move, and a preflight, is allowed: `draft → scheduled → active ⇄ paused → completed`. */
const MOVES = {
  schedule: ['draft', 'scheduled'],
  start: ['draft', 'scheduled'],
  pause: ['active'],
  resume: ['paused'],
  cancel: ['scheduled', 'active', 'paused'],
  delete: ['draft', 'scheduled', 'completed'],
  preflight: ['draft', 'scheduled', 'active', 'paused'],
} as const satisfies Record<string, readonly CampaignStatus[]>;

export type Move = keyof typeof MOVES;

/** @throws CampaignError invalid_state */
export function assertMove(status: CampaignStatus, move: Move): void {
  const from: readonly CampaignStatus[] = MOVES[move];
  if (from.includes(status)) return;
  throw new CampaignError('invalid_state', {
    detail: `A campaign that is ${status} does not take "${move}"; one that is ${from.join(' or ')} does.`,
    params: { status, allowed_from: from },
  });
}

/** Before its start everything about a campaign may change; afterwards, with messages on their way, only its name may. */
export const isEditable = (status: CampaignStatus): boolean => status === 'draft' || status === 'scheduled';
