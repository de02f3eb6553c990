/** What one segment may ask: bounds on the work of an evaluation. `bytes` are of its JSON. */
export const LIMITS = { depth: 5, leaves: 50, values: 500, bytes: 16_384, events: 5 } as const;

/** Four times what criteria may take: what is larger is refused before it is read, for reading it would hold up everyone else. */
export const BODY_LIMIT = 64 * 1024;
