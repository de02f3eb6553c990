import { exceeded, type Tally } from './stop-rules.js';

const tally: Tally = { sent: 200, bounced: 0, failed: 0, complained: 0 };

test.each<[string, object, Partial<Tally>, string | null]>([
  ['at the rate it allows', { bounce_rate: 5 }, { bounced: 10 }, null],
  ['above it', { bounce_rate: 5 }, { bounced: 11 }, 'bounce_rate_exceeded'],
  ['refused at the door', { bounce_rate: 5 }, { sent: 150, failed: 50 }, 'bounce_rate_exceeded'],
  ['of too few to tell', { bounce_rate: 5 }, { sent: 99, bounced: 99 }, null],
  ['without a rule', {}, { bounced: 200, complained: 200 }, null],
  ['complaints', { complaint_rate: 0.1, bounce_rate: 90 }, { sent: 1_000, complained: 2 }, 'complaint_rate_exceeded'],
  ['few complaints', { complaint_rate: 0.1 }, { sent: 1_000, complained: 1 }, null],
])('%s', (_, rules, counted, code) => {
  expect(exceeded(rules, { ...tally, ...counted })?.code ?? null).toBe(code);
});
