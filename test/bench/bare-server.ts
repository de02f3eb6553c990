/**
 * The baselines: what one would write with Fastify and pg and nothing else. No token, no tenant, no row-level security, no
 * validation, no versions, one prepared statement a request. The same driver, and as many connections as ours.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import fastify from 'fastify';
import pg from 'pg';
import { BARE_INSERT, SECRET } from './webhook-baseline.js';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const tenantId = Number(process.env.TENANT_ID);
const app = fastify();

const PAGE = `
  SELECT c.campaign_id AS id, c.name, c.type, c.status, c.channels, c.segment_id, c.start_at AS start_date, c.end_at AS end_date,
         coalesce(m.sent, 0)::int AS sent, coalesce(m.opened, 0)::int AS opened, coalesce(m.clicked, 0)::int AS clicked, coalesce(m.converted, 0)::int AS converted
    FROM (SELECT * FROM campaigns WHERE tenant_id = $1 ORDER BY campaign_no DESC LIMIT $2) c
    LEFT JOIN mailing_counters m ON m.tenant_id = c.tenant_id AND m.campaign_no = c.campaign_no
   ORDER BY c.campaign_no DESC`;

app.get<{ Querystring: { limit: string } }>('/campaigns', async (request) => {
  const { rows } = await pool.query({ name: 'page', text: PAGE, values: [tenantId, Number(request.query.limit)] });
  return { data: rows.map(({ sent, opened, clicked, converted, ...campaign }) => ({ ...campaign, metrics: { sent, opened, clicked, converted } })) };
});

interface Draft {
  name: string;
  type: string;
  channels: string[];
  segment_id: string;
  content: object;
}

const INSERT = `
  INSERT INTO campaigns (tenant_id, campaign_id, name, type, status, channels, segment_no, segment_id, segment_name, content, priority, schedule_version, warnings, created_at, updated_at, version)
  VALUES ($1, gen_random_uuid(), $2, $3, 'draft', $4, 1, $5, '', $6, 0, 0, '[]', now(), now(), 1) RETURNING *`;

app.post<{ Body: Draft }>('/campaigns', async ({ body: { name, type, channels, segment_id, content } }, reply) => {
  const { rows } = await pool.query({ name: 'insert', text: INSERT, values: [tenantId, name, type, channels, segment_id, content] });
  return reply.code(201).send(rows[0]);
});

await app.register((webhooks, _options, done) => {
  webhooks.removeContentTypeParser('application/json');
  webhooks.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
  webhooks.post<{ Body: Buffer }>('/webhooks', async ({ headers, body }, reply) => {
    const expected = createHmac('sha256', SECRET).update(`${String(headers['x-webhook-timestamp'])}.`).update(body).digest();
    const given = Buffer.from(String(headers['x-webhook-signature']).replace('sha256=', ''), 'hex');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return reply.code(401).send();
    const { event_id: id } = JSON.parse(body.toString('utf8')) as { event_id: string };
    const { rowCount } = await pool.query({ name: 'keep', text: BARE_INSERT, values: [id, body] });
    return reply.code(202).send({ received: 1, accepted: rowCount, duplicates: 1 - rowCount! });
  });
  done();
});

app.get('/ready', () => 'ok');

await app.listen({ port: Number(process.env.PORT), host: process.env.HOST });
process.on('SIGTERM', () => void app.close().then(() => pool.end()).then(() => process.exit()));
