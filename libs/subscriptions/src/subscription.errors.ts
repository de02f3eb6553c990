import { domainError } from '#kernel';

export class SubscriptionError extends domainError({
  event_subscription_not_found: [404, 'There is no such subscription.'],
  attempt_not_found: [404, 'The subscription has no such attempt; they are kept for 30 days.'],
  too_many_subscriptions: [409, 'A tenant has at most 20 subscriptions.'],
  subscription_inactive: [409, 'Nothing is sent to a subscription that is not active: activate it first.'],
}) {}
