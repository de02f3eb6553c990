/** Every header that a response may carry beyond HTTP's own framing, as in the document's components. */
export const RESPONSE_HEADERS = {
  'X-Request-Id': header('Identifies the request in our logs: the caller’s own `X-Request-Id` when it is 8 to 128 letters, digits, `.`, `_`, `:` or `-`, otherwise a new one.', 'req_01kzv3q6x0w9m2h7c4t8r5e1nd'),
  RateLimit: header('How many requests remain (`r`), and after how many seconds the quota is full again (`t`). Present if a rate limit is set.', '"tenant";r=99;t=1'),
  'RateLimit-Policy': header('The quota (`q`) in a window of `w` seconds. Present if a rate limit is set.', '"tenant";q=100;w=1'),
  'Retry-After': header('Seconds after which to try again.', '1'),
  'WWW-Authenticate': header('The scheme to authenticate with.', 'Bearer'),
  ETag: header('The version of the returned object, for `If-Match`.', '"3"'),
  Location: header('Where to find what was created, or where the link leads. Absent if several objects are returned.', '/api/v1/marketing/campaigns/camp_01kzv3q6x0w9m2h7c4t8r5e1nd'),
  'Idempotency-Replayed': header('`true` on an answer replayed for this Idempotency-Key; otherwise absent.', 'true'),
  'Content-Disposition': header('The name to save the file under.', 'attachment; filename="seg_vip.csv"'),
  'Cache-Control': header('The answer must not be stored.', 'no-store, private'),
  'Content-Security-Policy': header('The page may load nothing.', "default-src 'none'"),
  'Referrer-Policy': header('The link’s target does not learn which page the link was on.', 'no-referrer'),
} as const;

export type ResponseHeader = keyof typeof RESPONSE_HEADERS;

export const headerRefs = (names: readonly ResponseHeader[]): Record<string, { $ref: string }> =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

function header(description: string, example: string) {
  return { description, schema: { type: 'string' as const }, example };
}
