import type { Stage } from '#events';
import type { FunnelSettings } from '#tenants';

export const FUNNEL_TYPES = ['onboarding', 'purchase', 'retention'] as const;

export type FunnelType = (typeof FUNNEL_TYPES)[number];

/** The stages of a built-in funnel, as the tenant set it up. */
export function stagesOf(type: FunnelType, settings: FunnelSettings): readonly Stage[] {
  switch (type) {
    case 'onboarding':
      return ['awareness', 'interest', 'consideration', 'purchase', 'activation'];
    case 'purchase':
      return settings.purchase_with_evaluation
        ? ['awareness', 'interest', 'consideration', 'intent', 'evaluation', 'purchase']
        : ['awareness', 'interest', 'consideration', 'intent', 'purchase'];
    case 'retention':
      return ['purchase', 'activation', 'retention', 'advocacy'];
  }
}
