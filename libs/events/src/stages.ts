/** The stages of the API reference's funnels, in its order. */
export const STAGES = ['awareness', 'interest', 'consideration', 'intent', 'evaluation', 'purchase', 'onboarding', 'activation', 'retention', 'advocacy'] as const;
export type Stage = (typeof STAGES)[number];

/** Stages that nobody sends: they follow from how many orders the customer has. */
export const DERIVED_STAGES: readonly Stage[] = ['activation', 'retention'];

/** The order that makes `activation`. */
export const ACTIVATION_ORDER = 2;

/** What an event of a known type means for the funnel. */
export const STAGE_OF_TYPE: Readonly<Record<string, Stage>> = {
  touchpoint: 'awareness',
  menu_viewed: 'interest',
  page_viewed: 'interest',
  cart_item_added: 'consideration',
  checkout_started: 'intent',
  options_compared: 'evaluation',
  order_completed: 'purchase',
  first_experience_completed: 'onboarding',
  referral_made: 'advocacy',
};

/** The stage of an event: its type's own, else the one it names, if any. */
export const stageOf = (type: string, named: Stage | null | undefined): Stage | null => (Object.hasOwn(STAGE_OF_TYPE, type) ? STAGE_OF_TYPE[type]! : (named ?? null));
