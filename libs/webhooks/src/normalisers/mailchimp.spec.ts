import fc from 'fast-check';
import { isFault } from './inbound-event.js';
import { mailchimpAudience } from './mailchimp.js';
import { mandrillEvents } from './mandrill.js';

const query = new URLSearchParams();
/** As Mailchimp's documentation has them. */
const form = (fields: Record<string, string>) => mailchimpAudience.split(Buffer.from(new URLSearchParams(fields).toString()), query).items[0];
const read = (fields: Record<string, string>) => mailchimpAudience.read('mailchimp', form(fields));
const MEMBER = { 'data[id]': '8a25ff1d98', 'data[list_id]': 'a6b5da1054', 'data[email]': 'API@mailchimp.com', 'data[email_type]': 'html', 'data[merges][EMAIL]': 'api@mailchimp.com', 'data[merges][FNAME]': 'MailChimp', 'data[merges][LNAME]': 'API', 'data[merges][INTERESTS]': 'Group1,Group2', 'data[ip_opt]': '10.20.10.30' };

describe('Mailchimp’s audience events', () => {
  test('of who subscribes say who they are, in UTC', () => {
    expect(read({ type: 'subscribe', fired_at: '2009-03-26 21:35:57', ...MEMBER })).toMatchObject({
      name: 'subscribed', channel: 'email', email: 'api@mailchimp.com', firstName: 'MailChimp', lastName: 'API', introduces: true, at: new Date('2009-03-26T21:35:57Z'),
    });
  });

  test.each([
    [{ type: 'unsubscribe', 'data[action]': 'unsub', 'data[reason]': 'manual' }, { name: 'unsubscribed', closes: 'unsubscribed' }],
    [{ type: 'unsubscribe', 'data[action]': 'delete', 'data[reason]': 'manual' }, { name: 'unsubscribed', closes: 'unsubscribed' }],
    [{ type: 'unsubscribe', 'data[action]': 'unsub', 'data[reason]': 'abuse' }, { name: 'complained', closes: 'complaint' }],
    [{ type: 'cleaned', 'data[reason]': 'hard', 'data[campaign_id]': '4fjk2ma9xd' }, { name: 'bounced', closes: 'hard_bounce', campaignId: null }],
    [{ type: 'cleaned', 'data[reason]': 'abuse' }, { name: 'complained', closes: 'complaint' }],
    [{ type: 'profile' }, { name: 'contact_changed', introduces: false, firstName: 'MailChimp' }],
    [{ type: 'teleported' }, { name: 'unknown' }],
    [{ type: 'constructor' }, { name: 'unknown' }],
  ])('%j is %j', (fields, event) => {
    expect(read({ fired_at: '2009-03-26 21:40:57', ...MEMBER, ...fields })).toMatchObject({ email: 'api@mailchimp.com', ...event });
  });

  test('of an address that becomes another, and of campaigns', () => {
    expect(read({ type: 'upemail', fired_at: '2009-03-26 22:15:09', 'data[list_id]': 'a6b5da1054', 'data[new_id]': '51da8c3259', 'data[new_email]': 'api+new@mailchimp.com', 'data[old_email]': 'api+old@mailchimp.com' }))
      .toMatchObject({ name: 'contact_changed', email: 'api+new@mailchimp.com', formerEmail: 'api+old@mailchimp.com', introduces: false });
    const campaign = (status: string) => read({ type: 'campaign', fired_at: '2009-03-26 21:31:21', 'data[id]': '5aa2102003', 'data[subject]': 'Test Campaign Subject', 'data[status]': status, 'data[reason]': '', 'data[list_id]': 'a6b5da1054' });
    expect([campaign('sent'), campaign('canceled')]).toMatchObject([{ name: 'campaign_sent' }, { name: 'noted' }]);
  });

  test('are the same when they say the same, in any order', () => {
    const idOf = (fields: Record<string, string>) => (read(fields) as { eventId: string }).eventId;
    const said = { type: 'profile', fired_at: '2009-03-26 21:31:21', ...MEMBER };
    expect(idOf(Object.fromEntries(Object.entries(said).reverse()))).toBe(idOf(said));
    expect(idOf({ ...said, 'data[merges][FNAME]': 'Chimp' })).not.toBe(idOf(said));
  });

  test('without a type are none', () => {
    for (const fields of [{}, { type: '' }, { type: ' ' }] as Record<string, string>[]) expect(read(fields)).toMatchObject({ fault: 'event_type_required' });
  });
});

describe('Mandrill’s events', () => {
  /** As Mandrill posts it. */
  const captured = (over: object = {}) => ({
    event: 'hard_bounce', _id: 'exampleaaaaaaaaaaaaaaaaaaaaaaaaa2', ts: 1384954004,
    msg: {
      ts: 1365109999, subject: 'This an example webhook message', email: 'Example.webhook@mandrillapp.com', sender: 'example.sender@mandrillapp.com', tags: ['webhook-example'], state: 'bounced',
      metadata: { user_id: 111, delivery_id: 'dlv_000000100000700000gw0' }, _id: 'exampleaaaaaaaaaaaaaaaaaaaaaaaaa2', _version: 'exampleaaaaaaaaaaaaaaa', bounce_description: 'bad_mailbox', bgtools_code: 10,
      diag: 'smtp;550 5.1.1 The email account that you tried to reach does not exist.',
    },
    ...over,
  });
  const readMandrill = (item: unknown) => mandrillEvents.read('mailchimp', item);

  test('say which message, to whom, and when', () => {
    expect(readMandrill(captured())).toMatchObject({
      name: 'bounced', channel: 'email', email: 'example.webhook@mandrillapp.com', deliveryId: 'dlv_000000100000700000gw0', providerMessageId: 'exampleaaaaaaaaaaaaaaaaaaaaaaaaa2',
      at: new Date('2013-11-20T13:26:44Z'), reason: 'smtp;550 5.1.1 The email account that you tried to reach does not exist.', closes: null,
    });
  });

  test.each([
    ['send', 'noted'], ['deferral', 'noted'], ['delivered', 'delivered'], ['open', 'opened'], ['click', 'clicked'], ['hard_bounce', 'bounced'], ['soft_bounce', 'bounced'],
    ['spam', 'complained'], ['unsub', 'unsubscribed'], ['reject', 'failed'], ['inbound', 'noted'], ['toString', 'unknown'],
  ])('%s is %s', (event, name) => {
    expect(readMandrill(captured({ event }))).toMatchObject({ name });
  });

  test('a soft bounce is one; a rejection is about the address where its reason is', () => {
    expect(readMandrill(captured({ event: 'soft_bounce' }))).toMatchObject({ reason: 'soft' });
    const rejected = (reject: unknown) => readMandrill(captured({ event: 'reject', msg: { ...captured().msg, reject } }));
    for (const [reason, closes] of [['hard-bounce', 'hard_bounce'], ['spam', 'complaint'], ['unsub', 'unsubscribed'], ['test-mode-limit', null]]) expect(rejected({ reason })).toMatchObject({ reason: `mandrill_${reason}`, closes });
    expect(rejected(null)).toMatchObject({ reason: 'mandrill_reject', closes: null });
  });

  test('are told apart by message, kind, second and link', () => {
    const id = (over: object) => (readMandrill(captured(over)) as { eventId: string | null }).eventId;
    const some = [{}, { event: 'open' }, { ts: 1384954005 }, { event: 'click', url: 'https://a.example' }, { event: 'click', url: 'https://b.example' }, { _id: 'other' }].map(id);
    expect(new Set(some).size).toBe(6);
    expect(id({ _id: undefined })).toBeNull();
  });

  test('of lists are kept', () => {
    const sync = { type: 'blacklist', action: 'add', reject: { reason: 'hard-bounce', email: 'example@mandrillapp.com' }, ts: 1384954004 };
    expect([mandrillEvents.type(sync), readMandrill(sync), readMandrill({ ...sync, type: 'greylist' })]).toMatchObject(['blacklist.add', { name: 'noted' }, { name: 'unknown' }]);
  });

  test('come in a field of a form; none at all is a look', () => {
    const split = (fields: string) => mandrillEvents.split(Buffer.from(fields), query);
    expect(split(`mandrill_events=${encodeURIComponent(JSON.stringify([captured(), captured()]))}`).items).toHaveLength(2);
    expect(split('mandrill_events=%5B%5D')).toEqual({ items: [], batch: true });
    for (const fields of ['', 'events=[]', 'mandrill_events=[]&mandrill_events=[]', 'mandrill_events=', 'mandrill_events={']) expect(() => split(fields)).toThrow();
  });
});

describe('whatever they are given', () => {
  test('they answer with an event or a fault', () => {
    const names = ['type', 'action', 'event', 'ts', '_id', 'url', 'msg', 'metadata', 'reject', 'data[email]', 'data[reason]', 'data[status]', 'fired_at', '__proto__'];
    const text = fc.constantFrom('subscribe', 'cleaned', 'upemail', 'hard_bounce', 'reject', 'click', 'blacklist', '2009-03-26 21:35:57', '2009-99-99 99:99:99');
    const item = fc.letrec((tie) => ({ value: fc.oneof({ maxDepth: 3 }, text, fc.jsonValue(), tie('item')), item: fc.dictionary(fc.constantFrom(...names), tie('value')) })).item;
    fc.assert(fc.property(fc.oneof(item, fc.jsonValue()), (given) => {
      for (const normaliser of [mailchimpAudience, mandrillEvents]) {
        const result = normaliser.read('mailchimp', given);
        expect(isFault(result) ? typeof result.fault : typeof result.name).toBe('string');
        normaliser.type(given);
      }
    }), { numRuns: 2000 });
    fc.assert(fc.property(fc.uint8Array(), (body) => {
      expect(mailchimpAudience.split(Buffer.from(body), query).items).toHaveLength(1);
    }));
  });
});
