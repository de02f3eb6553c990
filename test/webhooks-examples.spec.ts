import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { Signature } from '@hubspot/api-client/lib/src/utils/signature.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { getExpectedTwilioSignature } from 'twilio/lib/webhooks/webhooks.js';
import { startApp, type TestApp } from './support/app.js';
import { InboundEvents } from './support/inbound-events.js';
import { DOCUMENT, OPERATIONS } from './support/operations.js';
import { newTenant } from './support/tokens.js';
import { macOf } from './support/webhook-sender.js';

const SECRET = 'a-secret-of-the-provider';
const KEYS = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const FORM = 'application/x-www-form-urlencoded';
const { requestBody, responses } = OPERATIONS.find(({ operationId }) => operationId === 'receiveWebhook')!;

interface Scheme {
  provider: 'sendgrid' | 'twilio' | 'mailchimp' | 'hubspot';
  connection: object;
  /** The headers that the provider signs a post with. */
  headers(post: { url: string; body: string; now: Date; secret: string }): Record<string, string>;
}

const generic: Scheme = {
  provider: 'sendgrid',
  connection: {},
  headers: ({ body, now, secret }) => ({ 'x-webhook-timestamp': now.toISOString(), 'x-webhook-signature': macOf(secret, now.toISOString(), body).toString('hex') }),
};
const hubspot: Scheme = {
  provider: 'hubspot',
  connection: { scheme: 'hubspot', secret: SECRET },
  headers: ({ url, body, now }) => {
    const signature = Signature.getSignature('POST', 'v3', { signature: '', clientSecret: SECRET, url, requestBody: body, timestamp: now.getTime() });
    return { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': String(now.getTime()) };
  },
};
const formOf = (body: string): Record<string, string> => Object.fromEntries(new URLSearchParams(body));

/** By the examples' names. */
const SCHEMES: Record<string, Scheme> = {
  opened: generic,
  list: generic,
  sendgrid: {
    provider: 'sendgrid',
    connection: { scheme: 'sendgrid', public_key: KEYS.publicKey.export({ type: 'spki', format: 'der' }).toString('base64') },
    headers: ({ body, now }) => ({
      'x-twilio-email-event-webhook-timestamp': String(now.getTime()),
      'x-twilio-email-event-webhook-signature': sign('sha256', Buffer.from(`${now.getTime()}${body}`), KEYS.privateKey).toString('base64'),
    }),
  },
  hubspot,
  hubspot_workflow: hubspot,
  twilio: { provider: 'twilio', connection: { scheme: 'twilio', secret: SECRET }, headers: ({ url, body }) => ({ 'x-twilio-signature': getExpectedTwilioSignature(SECRET, url, formOf(body)) }) },
  mailchimp: { provider: 'mailchimp', connection: { scheme: 'mailchimp' }, headers: () => ({}) },
  mandrill: {
    provider: 'mailchimp',
    connection: { scheme: 'mandrill', secret: SECRET },
    headers: ({ url, body }) => ({ 'x-mandrill-signature': createHmac('sha1', SECRET).update(`${url}mandrill_events${formOf(body).mandrill_events}`).digest('base64') }),
  },
};

describe('every example of what providers post', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true, env: { PUBLIC_URL: 'https://crm.example.com' } })));
  afterAll(() => app.close());

  const examples = Object.entries(requestBody!.content).flatMap(([type, { schema, examples: named }]) => Object.entries(named!).map(([name, { value }]) => ({ type, schema: schema as object, name, value })));

  test('is there for every scheme', () => {
    expect(examples.map(({ name }) => name).sort()).toEqual(Object.keys(SCHEMES).sort());
  });

  test.each(examples)('is of its schema, is taken when signed as $name signs, and is understood', async ({ type, schema, name, value }) => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema({ $id: 'document', components: DOCUMENT.components });
    const refs = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')) as object;
    expect([ajv.validate(refs, value), ajv.errors]).toEqual([true, null]);

    const { provider, connection, headers } = SCHEMES[name]!;
    const tenant = newTenant();
    const { data } = await app.api(['tenant_admin'], tenant).PUT('/api/v1/marketing/webhooks/{provider}/connection', { params: { path: { provider } }, body: connection });
    const { url, secret } = data!;
    const body = type === FORM ? new URLSearchParams(value as Record<string, string>).toString() : JSON.stringify(value);
    const { pathname, search } = new URL(url);
    const response = await app.fetch(pathname + search, { method: 'POST', body, headers: { 'content-type': type, ...headers({ url, body, now: app.clock.now(), secret: secret ?? '' }) }, token: '' });
    expect([response.status, await response.text()]).toEqual([response.status, expect.stringMatching(/"accepted":[1-9]|<Response>/)]);
    expect(Object.keys(responses)).toContain(String(response.status));
    const events = await new InboundEvents(app, provider, tenant).settled();
    expect(events.length).toBeGreaterThan(0);
    expect(events.filter(({ type: known, status }) => known === null || status === 'failed' || status === 'duplicate')).toEqual([]);
  });
});
