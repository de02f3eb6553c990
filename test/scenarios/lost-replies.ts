import type { Figure } from '#test/bench/bench';
import { atMost } from '#test/bench/figures';
import { startSmtp } from '#test/support/smtp';
import { patiently } from './patience.js';
import { ProviderPosts } from './provider-posts.js';
import type { OpenScene } from './scene.js';
import { audit, countOf, exactly } from './verdicts.js';

const RECIPIENTS = 4_000;
/** Of so many, one reply is lost: 5 %. */
const ONE_IN = 20;
/** The most that the API lists at once. */
const PAGE = 100;

interface Page {
  data: { id: string; status: string }[];
  meta: { next_cursor: string | null };
}

/** The server takes every message, and of each twentieth it hangs up before it says so. */
export async function* lostReplies(open: OpenScene): AsyncGenerator<Figure> {
  const smtp = await startSmtp(0, { keepTexts: false });
  const lost = new Set<string>();
  smtp.beforeReply = (address, session) => {
    if (smtp.recipients.length % ONE_IN !== 0) return;
    lost.add(address);
    smtp.drop(session);
  };
  try {
    const scene = await open({ SMTP_URL: smtp.url });
    const account = await scene.account();
    await account.crowd(RECIPIENTS);
    await scene.startWorker();
    const posts = await ProviderPosts.connect(scene, account, 'sendgrid');
    const id = await account.campaign();
    await account.finished(id);
    const rows = yield* audit('lost-replies', account, id, smtp.recipients, { audience: RECIPIENTS });
    const unknown = rows.filter(({ status }) => status === 'unknown').map(({ email }) => email);
    yield exactly('lost-replies: unknown, of the replies lost', unknown.filter((address) => lost.has(address)).length, lost.size);
    yield exactly('lost-replies: unknown, of all others', unknown.length - unknown.filter((address) => lost.has(address)).length, 0);

    const ids: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Page = await account.request<Page>('GET', `/campaigns/${id}/deliveries?status=unknown&limit=${PAGE}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      ids.push(...page.data.map((delivery) => delivery.id));
      cursor = page.meta.next_cursor;
    }
    const began = performance.now();
    await posts.post(ids.map((delivery_id) => ({ event_type: 'email.delivered', delivery_id, timestamp: new Date().toISOString() })));
    await patiently('the webhook settles them', 60, async () => countOf(await account.ledger(id), 'unknown') === 0);
    yield atMost(`lost-replies: until the signed webhook has settled all ${ids.length}`, [(performance.now() - began) / 1000], 10, 's');
  } finally {
    await smtp.close();
  }
}
