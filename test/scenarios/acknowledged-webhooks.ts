import { setTimeout as sleep } from 'node:timers/promises';
import { encodeDeliveryId } from '#delivery';
import type { Figure } from '#test/bench/bench';
import { atMost } from '#test/bench/figures';
import { startSmtp } from '#test/support/smtp';
import { patiently } from './patience.js';
import { ProviderPosts } from './provider-posts.js';
import type { OpenScene } from './scene.js';
import { exactly, noLessThan } from './verdicts.js';

const RECIPIENTS = 2_700;
const KILLS = 8;
const CLIENTS = 16;
/** What the providers have to tell between two kills. */
const SHARE = RECIPIENTS / (KILLS + 1);

/** Providers post while the api and the workers are killed again and again: what was answered takes effect, once, and nothing else was lost than answers. */
export async function* acknowledgedWebhooks(open: OpenScene): AsyncGenerator<Figure> {
  const smtp = await startSmtp(0, { keepTexts: false });
  try {
    const scene = await open({ SMTP_URL: smtp.url });
    const account = await scene.account();
    await account.crowd(RECIPIENTS);
    let worker = await scene.startWorker();
    const campaignId = await account.campaign();
    await account.finished(campaignId);
    await worker.kill();
    const { rows: [mailing] } = await scene.sql.query<{ campaign_no: number }>('SELECT campaign_no FROM mailings WHERE tenant_id = $1', [account.id]);
    const deliveryOf = (customerNo: number): string => encodeDeliveryId({ tenantId: account.id, campaignNo: mailing!.campaign_no, customerNo, channel: 'email' });

    let api = await scene.startApi();
    const posts = await ProviderPosts.connect(scene, account, 'sendgrid');
    const [answered, unanswered] = [new Set<number>(), new Set<number>()];
    let next = 1;
    let known = SHARE;
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (next <= RECIPIENTS) {
        if (next > known) {
          await sleep(5);
          continue;
        }
        const customerNo = next++;
        const event = { event_type: 'email.opened', delivery_id: deliveryOf(customerNo), event_id: `evt_${customerNo}`, timestamp: new Date().toISOString() };
        while (!(await isTaken(posts.at(api), event))) {
          unanswered.add(customerNo);
          await sleep(20); // then the provider sends it again
        }
        answered.add(customerNo);
      }
    });
    for (let kill = 1; kill <= KILLS; kill++) {
      await patiently('providers post', 120, () => answered.size >= (kill - 0.5) * SHARE);
      if (kill % 2 === 1) worker = await scene.startWorker();
      else await worker.kill();
      await api.kill();
      api = await scene.startApi();
      known += SHARE;
    }
    await Promise.all(clients);
    await worker.kill();
    const { rows: [left] } = await scene.sql.query<{ pending: number }>(`SELECT count(*)::int AS pending FROM webhook_events WHERE status = 'pending'`);
    yield noLessThan('acknowledged-webhooks: answered but not processed when all were killed', left!.pending, 1);
    const restarted = performance.now();
    worker = await scene.startWorker();
    await patiently('they are processed', 120, async () => (await scene.sql.query(`SELECT FROM webhook_events WHERE status = 'pending' LIMIT 1`)).rowCount === 0);
    yield atMost('acknowledged-webhooks: from the last start of a worker until all are processed', [(performance.now() - restarted) / 1000], 60, 's');
    const { rows: opened } = await scene.sql.query<{ customer_no: number }>('SELECT customer_no FROM deliveries WHERE tenant_id = $1 AND opened_at IS NOT NULL', [account.id]);
    const effective = new Set(opened.map((row) => row.customer_no));
    yield exactly('acknowledged-webhooks: answered, of', answered.size, RECIPIENTS);
    yield exactly('acknowledged-webhooks: answered, and without effect', [...answered].filter((customerNo) => !effective.has(customerNo)).length, 0);
    const { data: [campaign] } = await account.request<{ data: { metrics: { opened: number } }[] }>('GET', '/campaigns');
    yield exactly('acknowledged-webhooks: opened, as the campaign counts it', campaign!.metrics.opened, RECIPIENTS);
    yield noLessThan(`acknowledged-webhooks: sent again, since no answer came`, unanswered.size, 1);
  } finally {
    await smtp.close();
  }
}

const isTaken = (posts: ProviderPosts, event: object): Promise<boolean> => posts.post([event]).then(() => true, () => false);
