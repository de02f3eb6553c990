/** Every header that an answer may carry beyond those of HTTP's own framing, as the document's components say it. */
export const RESPONSE_HEADERS = {
  'X-Request-Id': header('Names the request in our logs: the caller’s own `X-Request-Id` when it is 8 to 128 letters, digits, `.`, `_`, `:` or `-`, else a new one.', 'req_01kzv3q6x0w9m2h7c4t8r5e1nd'),
  RateLimit: header('How many requests remain (`r`), and in how many seconds the quota is whole again (`t`). Where a rate limit is set.', '"tenant";r=99;t=1'),
  'RateLimit-Policy': header('The quota (`q`) in a window of `w` seconds. Where a rate limit is set.', '"tenant";q=100;w=1'),
  'Retry-After': header('Seconds after which to try again.', '1'),
  'WWW-Authenticate': header('The scheme to authenticate with.', 'Bearer'),
  ETag: header('The version of what is answered with, for `If-Match`.', '"3"'),
  Location: header('Where it is: what was created, or what the link leads to. Not on an answer with several.', '/api/v1/marketing/campaigns/camp_01kzv3q6x0w9m2h7c4t8r5e1nd'),
  'Idempotency-Replayed': header('`true` on an answer given before under this Idempotency-Key; else not there.', 'true'),
  'Content-Disposition': header('The name to save the file under.', 'attachment; filename="seg_vip.csv"'),
  'Cache-Control': header('Nobody may keep it.', 'no-store, private'),
  'Content-Security-Policy': header('What the page may load: nothing.', "default-src 'none'"),
  'Referrer-Policy': header('Where the link leads to is not told where it stood.', 'no-referrer'),
} as const;

export type ResponseHeader = keyof typeof RESPONSE_HEADERS;

export const headerRefs = (names: readonly ResponseHeader[]): Record<string, { $ref: string }> =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

function header(description: string, example: string) {
  return { description, schema: { type: 'string' as const }, example };
}
