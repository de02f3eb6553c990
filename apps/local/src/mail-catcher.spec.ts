import { request } from 'node:http';
import { createTransport } from 'nodemailer';
import { startMailCatcher, type RunningMailCatcher } from './mail-catcher.js';

let catcher: RunningMailCatcher;

beforeEach(async () => {
  catcher = await startMailCatcher({ smtpPort: 0, uiPort: 0, log: () => undefined });
});

afterEach(() => catcher.stop());

const mail = {
  from: 'Trattoria <hello@example.com>',
  to: 'guest@example.com',
  subject: 'Zwölf <b>Pizzen</b>',
  html: '<a href="http://127.0.0.1/t/c/1">Order</a><script>alert(1)</script>',
  text: 'Order at http://127.0.0.1/t/c/1',
  headers: { 'List-Unsubscribe': '<http://127.0.0.1/t/u/1>' },
};

async function send(...mails: object[]): Promise<void> {
  const transport = createTransport({ url: catcher.smtpUrl, pool: true });
  await Promise.all(mails.map((one) => transport.sendMail(one)));
  transport.close();
}

async function get(path: string) {
  const answer = await fetch(catcher.uiUrl + path);
  return { status: answer.status, policy: answer.headers.get('content-security-policy'), body: await answer.text() };
}

async function list(query = '') {
  return JSON.parse((await get(`/email${query}`)).body);
}

test('shows what was sent', async () => {
  await send(mail);
  expect(await list()).toMatchObject({
    total: 1,
    data: [{ id: '1', from: '"Trattoria" <hello@example.com>', to: ['guest@example.com'], subject: mail.subject }],
  });
  expect(JSON.parse((await get('/email/1')).body)).toMatchObject({
    text: mail.text,
    html: mail.html,
    headers: { 'list-unsubscribe': '<http://127.0.0.1/t/u/1>' },
  });
  expect((await get('/email/1/source')).body).toContain('List-Unsubscribe: <http://127.0.0.1/t/u/1>');
  expect((await get('/mail/1?view=text')).body).toContain(mail.text);
});

test("keeps a mail's markup and scripts out of the inbox", async () => {
  await send(mail);
  for (const path of ['/', '/mail/1', '/mail/1?view=source']) {
    const { body, policy } = await get(path);
    expect(body).not.toContain('<b>');
    expect(body).not.toContain('<script>');
    expect(policy).toContain("script-src 'self'");
  }
  expect((await get('/mail/1')).body).toContain('sandbox="allow-popups allow-popups-to-escape-sandbox"');
  const { body, policy } = await get('/email/1/html');
  expect(body).toContain(mail.html);
  expect(policy).toMatch(/^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'/);
});

test('takes a burst whole, pages it, finds by recipient and deletes', async () => {
  await send(...Array.from({ length: 300 }, (_, i) => ({ ...mail, to: `guest${i}@example.com` })));
  expect((await list('?limit=100&offset=250')).data).toHaveLength(50);
  const { data } = await list('?to=guest123@');
  expect(data).toHaveLength(1);
  await fetch(`${catcher.uiUrl}/email/${data[0].id}`, { method: 'DELETE' });
  expect(await list()).toMatchObject({ total: 299, received: 300 });
  expect((await fetch(`${catcher.uiUrl}/email`, { method: 'DELETE' })).status).toBe(204);
  expect((await list()).total).toBe(0);
  expect((await get('/mail/1')).status).toBe(404);
});

test('goes to the next port when one is taken, and frees its own', async () => {
  const [smtpPort, uiPort] = [catcher.smtpUrl, catcher.uiUrl].map((url) => Number(new URL(url).port)) as [number, number];
  const second = await startMailCatcher({ smtpPort, uiPort, log: () => undefined });
  await second.stop();
  expect(Number(new URL(second.smtpUrl).port)).toBeGreaterThan(smtpPort);
  expect(Number(new URL(second.uiUrl).port)).toBeGreaterThan(uiPort);
  await catcher.stop();
  catcher = await startMailCatcher({ smtpPort, uiPort, log: () => undefined });
  expect(catcher.smtpUrl).toBe(`smtp://127.0.0.1:${smtpPort}`);
});

test('is refused to a web site whose name was made to resolve to this machine', async () => {
  const status = await new Promise((resolve, reject) => {
    const { port } = new URL(catcher.uiUrl);
    request({ port, path: '/email', headers: { Host: `rebound.example:${port}` } }, (answer) => resolve(answer.statusCode))
      .on('error', reject)
      .end();
  });
  expect(status).toBe(403);
});
