import { STATUS_CODES } from 'node:http';
import { describeGateway } from './support/gateway-suite.js';
import { rawStatus, send } from './support/raw-http.js';

const MARKETING = '/api/v1/marketing';

describeGateway('the paths that the gateway', (the) => {
  describe('publishes', () => {
    it.each([
      ['/v1/commerce/marketing/campaigns', `${MARKETING}/campaigns`],
      ['/v1/commerce/marketing/customers/c-1?x=1', `${MARKETING}/customers/c-1?x=1`],
      ['/v1/commerce/marketing/', `${MARKETING}/`],
      ['/v1/commerce/campaigns', `${MARKETING}/campaigns`],
      ['/v1/commerce/campaigns/camp_1/start', `${MARKETING}/campaigns/camp_1/start`],
      ['/v1/commerce/campaigns?status=active&page=2', `${MARKETING}/campaigns?status=active&page=2`],
      ['/v1/commerce/segments/', `${MARKETING}/segments/`],
      ['/v1/commerce/webhooks/sendgrid?connection=whc_1', `${MARKETING}/webhooks/sendgrid?connection=whc_1`],
      ['/v1/commerce/funnels?funnel_type=onboarding', `${MARKETING}/funnels?funnel_type=onboarding`],
      ['/v1/commerce/promos/validate', `${MARKETING}/promos/validate`],
      [`${MARKETING}/webhooks/twilio?connection=whc_1`, `${MARKETING}/webhooks/twilio?connection=whc_1`],
      ['/t/u/token', '/t/u/token'],
      ['/docs', '/docs'],
      ['/docs/swagger-ui.css', '/docs/swagger-ui.css'],
      ['/docs?x', '/docs?x'],
      ['/openapi.json', '/openapi.json'],
    ])('%s', async (path, upstream) => {
      expect((await send(the.gateway, { path })).json).toMatchObject({ method: 'GET', url: upstream });
    });
  });

  describe('keeps every byte of', () => {
    it.each([
      ['/v1/commerce/marketing/customers/a%2Fb%20c%25', `${MARKETING}/customers/a%2Fb%20c%25`],
      ['/v1/commerce/marketing/customers/%c3%A9+%7e~', `${MARKETING}/customers/%c3%A9+%7e~`],
      ['/v1/commerce/webhooks/hubspot?a=%2f%2F&b=c%20d+e&a=&&%E2%82%ac', `${MARKETING}/webhooks/hubspot?a=%2f%2F&b=c%20d+e&a=&&%E2%82%ac`],
      ['/v1/commerce/campaigns?', `${MARKETING}/campaigns?`],
      ['/v1/commerce/campaigns?next=//x/../y%2e%2e/#f', `${MARKETING}/campaigns?next=//x/../y%2e%2e/#f`],
      [`${MARKETING}/webhooks/twilio?u=http://h/?q=%5b1%5D`, `${MARKETING}/webhooks/twilio?u=http://h/?q=%5b1%5D`],
    ])('%s', async (path, upstream) => {
      expect((await send(the.gateway, { path })).json).toMatchObject({ url: upstream, headers: { 'x-forwarded-uri': path } });
    });
  });

  describe('does not publish', () => {
    it.each([
      '/',
      '/health',
      '/health/live',
      '/health/ready',
      '/metrics',
      '/problem',
      '/api/v1/other',
      '/api/v1/marketing',
      '/api/v1/marketingX/campaigns',
      '/t',
      '/docsX',
      '/openapi.jsonX',
      '/v1/commerce',
      '/v1/commerce/customers',
      '/v1/commerce/customers/import',
      '/v1/commerce/campaignsX',
      '/v1/commerce/campaigns;x',
      '/v1/commerce/campaigns%2Fx',
      '/v1/commerce/Campaigns',
      '/v1/commerce/marketingX/campaigns',
      '/v1/commerce//campaigns',
      '//v1/commerce/campaigns',
      '/v1/commerce/marketing//campaigns',
      '/v1/commerce/marketing/../../metrics',
      '/v1/commerce/marketing/../../../metrics',
      '/v1/commerce/marketing/%2e%2e/%2E%2e/metrics',
      '/v1/commerce/marketing/.%2e/.%2E/metrics',
      '/v1/commerce/marketing/..%2f..%2fmetrics',
      '/v1/commerce/marketing/x%2f..%2F..%2f..%2f..%2f..%2fmetrics',
      '/v1/commerce/marketing/..%5c..%5cmetrics',
      '/v1/commerce/marketing/..\\..\\metrics',
      '/v1/commerce/marketing/./campaigns',
      '/v1/commerce/marketing/..',
      '/v1/commerce/marketing/..?x=1',
      '/v1/commerce/campaigns/../customers',
      '/v1/commerce/campaigns#/../../metrics',
      '/v1/commerce/"customers"?x=1',
      '/t/../metrics',
      '/t/%2e%2e/metrics',
      '/docs/../metrics',
      '/openapi.json/../metrics',
      '/metrics/../v1/commerce/campaigns',
      '/v1/commerce/marketing/customers/../../../customers/import',
    ])('%s', async (path) => {
      const answer = await send(the.gateway, { path });

      // 400 is what nginx answers by itself, before it reads a header, when the dots climb above the root.
      expect([400, 404]).toContain(answer.status);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(answer.json).toEqual({
        type: 'about:blank',
        title: STATUS_CODES[answer.status!],
        status: answer.status,
        detail: expect.any(String),
        instance: answer.status === 400 || /["\\#]/.test(path) ? '/' : path.split('?')[0],
        code: answer.status === 404 ? 'not_found' : 'validation_failed',
        request_id: answer.headers['x-request-id'],
      });
      expect(the.api.seen).toEqual([]);
    });

    it('an absolute request line to another path', async () => {
      expect(await rawStatus(the.gateway, 'GET http://127.0.0.1/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')).toBe(404);
    });
  });
});
