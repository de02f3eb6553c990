import type { CustomerProfile } from './profile.js';

/** A profile being changed: as it was, and as it will be. */
export interface Draft {
  readonly before: CustomerProfile;
  now: CustomerProfile;
}
