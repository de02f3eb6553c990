/** What one segment may ask: bounds on the work of an evaluation. `bytes` are of its JSON. */
export const LIMITS = { depth: 5, leaves: 50, values: 500, bytes: 16_384, events: 5 } as const;
