import fc from 'fast-check';
import { isFault } from './inbound-event.js';
import { sendgridEvents } from './sendgrid.js';

/** As SendGrid posts it, `custom_args` among its own members. */
const captured = (over: object = {}) => ({
  email: 'Customer@example.com', timestamp: 1769279400, 'smtp-id': '<14c5d75ce93.dfd.64b469@ismtpd-555>', event: 'delivered', category: ['welcome', 'trattoria'],
  sg_event_id: 'ZGVsaXZlcmVkLTA', sg_message_id: '14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0', response: '250 OK', delivery_id: 'dlv_000000100000700000gw0', ...over,
});
const read = (item: unknown) => sendgridEvents.read('sendgrid', item);

describe('SendGrid’s events', () => {
  test('say who, which message, and when', () => {
    expect(read(captured())).toMatchObject({
      name: 'delivered', channel: 'email', email: 'customer@example.com', eventId: 'ZGVsaXZlcmVkLTA', deliveryId: 'dlv_000000100000700000gw0',
      providerMessageId: '14c5d75ce93.dfd.64b469', at: new Date('2026-01-24T18:30:00Z'), machine: false, reason: null, closes: null,
    });
  });

  test.each([
    ['processed', 'noted'], ['deferred', 'noted'], ['delivered', 'delivered'], ['open', 'opened'], ['click', 'clicked'], ['bounce', 'bounced'], ['dropped', 'failed'],
    ['spamreport', 'complained'], ['unsubscribe', 'unsubscribed'], ['group_unsubscribe', 'unsubscribed'], ['group_resubscribe', 'subscribed'],
  ])('%s is %s', (event, name) => {
    expect(read(captured({ event }))).toMatchObject({ name });
  });

  test.each(['account_status_change', 'toString', '__proto__', 'Delivered'])('%s is kept as what nobody knows', (event) => {
    expect(read(captured({ event }))).toMatchObject({ name: 'unknown', deliveryId: 'dlv_000000100000700000gw0' });
  });

  test.each([
    [{ type: 'bounce', status: '5.1.1', reason: '550 5.1.1 No such user' }, '550 5.1.1 No such user'],
    [{ status: '5.0.0', reason: '500 unknown recipient' }, '500 unknown recipient'],
    [{ type: 'blocked', status: '5.7.1', reason: '554 5.7.1 Rejected for its content' }, 'soft'],
    [{ type: 'bounce', status: '4.2.2', reason: '452 4.2.2 Mailbox full' }, 'soft'],
  ])('a bounce with %j is of the reason %s', (over, reason) => {
    expect(read(captured({ event: 'bounce', ...over }))).toMatchObject({ name: 'bounced', reason, closes: null });
  });

  test.each([
    ['Bounced Address', 'hard_bounce'], ['Invalid', 'hard_bounce'], ['Spam Reporting Address', 'complaint'], ['Unsubscribed Address', 'unsubscribed'],
    ['Spam Content', null], ['Recipient List over Package Quota', null], ['Invalid SMTPAPI header', null], [undefined, null],
  ])('a drop for “%s” closes the address as %s', (reason, closes) => {
    expect(read(captured({ event: 'dropped', reason }))).toMatchObject({ name: 'failed', reason: reason ?? null, closes });
  });

  test.each([
    ['14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0', '14c5d75ce93.dfd.64b469'],
    ['142d9f3f351.7618.254f56.filter-147.22649.52A663508.0', '142d9f3f351.7618.254f56'],
    ['pHtSzeAfSHK3_jQmmv2BtQ.recvd-5f5f7c5d4-abcde-1-65B2.0', 'pHtSzeAfSHK3_jQmmv2BtQ'],
    ['pHtSzeAfSHK3_jQmmv2BtQ', 'pHtSzeAfSHK3_jQmmv2BtQ'],
    [undefined, null],
  ])('the message of %s is %s', (sg_message_id, id) => {
    expect(read(captured({ sg_message_id }))).toMatchObject({ providerMessageId: id });
  });

  test('seconds and milliseconds are one instant; what is no time is none', () => {
    for (const timestamp of [1769279400, 1769279400000, '1769279400']) expect(read(captured({ timestamp }))).toMatchObject({ at: new Date('2026-01-24T18:30:00Z') });
    for (const timestamp of [undefined, null, -1, 1.5, 'soon', {}, true]) expect(read(captured({ timestamp }))).toMatchObject({ at: null });
  });

  test('an open by a machine is known', () => {
    expect(read(captured({ event: 'open', sg_machine_open: true }))).toMatchObject({ machine: true });
    expect(read(captured({ event: 'open', sg_machine_open: false }))).toMatchObject({ machine: false });
  });

  test('whatever it is given, it answers with an event or a fault', () => {
    const fields = Object.keys(captured({ type: '', reason: '', status: '', url: '', sg_machine_open: true, campaign_id: '' }));
    fc.assert(fc.property(fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom(...fields), fc.oneof(fc.anything(), fc.constant('bounce')))), (item) => {
      const result = read(item);
      expect(isFault(result) ? typeof result.fault : typeof result.name).toBe('string');
      sendgridEvents.type(item);
    }), { numRuns: 2000 });
  });
});
