/** Limits of one segment's criteria, which bound the work of an evaluation. `bytes` are of its JSON. */
export const LIMITS = { depth: 5, leaves: 50, values: 500, bytes: 16_384, events: 5 } as const;

/** Of all lists together. An email address or a phone number counts as four, for as much longer it takes to read. */
export const ALL_VALUES = 2000;
export const SLOW_VALUE = 4;

/** Four times what criteria may take: what is larger is refused before it is read, for reading it would hold up everyone else. */
const BODY_LIMIT = 64 * 1024;

/** The most that {@link LIMITS} leave room for, fifty conditions each under its own five levels; more takes longer to parse than everything else. */
const BODY_PARTS = 1000;

/** For routes whose bodies contain criteria. */
export const CRITERIA_BODY = { bodyLimit: BODY_LIMIT, bodyParts: BODY_PARTS, judgesBody: true } as const;
