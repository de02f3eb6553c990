import { seedDemo } from '#app/local/src/demo-tenant';
import { HttpClient } from '#app/local/src/http-client';
import { startApp, type TestApp } from './support/app.js';
import { bodyExamples, OPERATIONS } from './support/operations.js';
import { newTenant, token } from './support/tokens.js';

interface Answer {
  id: string;
  status: string;
  valid: boolean;
  redemptions?: Answer[];
}

const examplesOf = (operationId: string): unknown[] => bodyExamples(OPERATIONS.find((one) => one.operationId === operationId)!).map(([, body]) => body);

describe('the demo tenant', () => {
  let app: TestApp;
  let http: HttpClient;
  beforeAll(async () => {
    app = await startApp({ env: { SMTP_URL: 'smtp://127.0.0.1:1', DEFAULT_FROM_EMAIL: 'hello@trattoria.example', DEFAULT_POSTAL_ADDRESS: '1 Main Street' } });
    const bearer = token(newTenant(), ['super_admin']);
    http = new HttpClient(app.url, bearer);
    await seedDemo({ api: app.url, token: bearer, say: () => undefined, guests: 200 });
  });
  afterAll(() => app.close());

  test('takes the document’s examples of promos, one after the other, by whoever tries it', async () => {
    for (const promo of examplesOf('createPromo')) await http.post('/promos', promo);
    for (const order of examplesOf('validatePromos')) expect(await http.post<Answer>('/promos/validate', order)).toMatchObject({ valid: true, inapplicable: [] });
    for (const order of examplesOf('redeemPromos')) {
      const redeemed = await http.post<Answer>('/promos/redemptions', order);
      for (const { id } of redeemed.redemptions ?? [redeemed]) {
        for (const reason of examplesOf('rollbackRedemption')) expect(await http.post<Answer>(`/promos/redemptions/${id}/rollback`, reason)).toMatchObject({ id, status: 'rolled_back' });
      }
      await http.post('/promos/redemptions', order); // anew
    }
  });

  test('takes the other creating examples, too', async () => {
    for (const [path, operationId] of [['/segments', 'createSegment'], ['/campaigns', 'createCampaign'], ['/events', 'recordEvents'], ['/customers/batch', 'upsertCustomers']] as const) {
      for (const body of examplesOf(operationId)) await http.post(path, body);
    }
  });
});
