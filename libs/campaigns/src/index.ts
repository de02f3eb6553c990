export { CAMPAIGN_MOVED, type CampaignMove } from './campaign.events.js';
export * from './campaigns.module.js';
