import fc from 'fast-check';
import { isFault } from './inbound-event.js';
import { asksForHelp, twilioMessages } from './twilio.js';

/** A status callback as Twilio posts it. */
const CALLBACK =
  'SmsSid=SM0123456789abcdef0123456789abcdef&SmsStatus=delivered&MessageStatus=delivered&To=%2B15622089096&MessagingServiceSid=MG0123456789abcdef0123456789abcdef' +
  '&MessageSid=SM0123456789abcdef0123456789abcdef&AccountSid=AC0123456789abcdef0123456789abcdef&From=%2B16232320112&ApiVersion=2010-04-01';
const DELIVERY = 'dlv_000000100000700000gw0';
const split = (form: string, query = '') => twilioMessages.split(Buffer.from(form), new URLSearchParams(query));
const read = (item: unknown) => twilioMessages.read('twilio', item);

describe('Twilio’s callbacks', () => {
  test('say which message, by our id and Twilio’s, and are known by message and status', () => {
    const { items, batch } = split(CALLBACK, `delivery_id=${DELIVERY}`);
    expect([items.length, batch, twilioMessages.type(items[0])]).toEqual([1, false, 'delivered']);
    expect(read(items[0])).toMatchObject({
      name: 'delivered', channel: 'sms', phone: '+15622089096', deliveryId: DELIVERY, providerMessageId: 'SM0123456789abcdef0123456789abcdef',
      eventId: 'SM0123456789abcdef0123456789abcdef/delivered', at: null, closes: null,
    });
  });

  test.each([
    ['accepted', 'noted'], ['scheduled', 'noted'], ['queued', 'noted'], ['sending', 'noted'], ['sent', 'noted'], ['delivered', 'delivered'], ['read', 'opened'],
    ['undelivered', 'failed'], ['failed', 'failed'], ['canceled', 'failed'], ['Delivered', 'delivered'], ['teleported', 'unknown'], ['toString', 'unknown'],
  ])('%s is %s', (MessageStatus, name) => {
    expect(read({ MessageSid: 'SM1', MessageStatus })).toMatchObject({ name });
  });

  test.each([
    ['21610', 'opt_out'], ['21211', 'hard_bounce'], ['21614', 'hard_bounce'], ['30005', 'hard_bounce'], ['30006', 'hard_bounce'],
    ['30003', null], ['30004', null], ['30007', null], ['30008', null], ['63016', null], ['toString', null],
  ])('a failure with code %s closes the number as %s', (ErrorCode, closes) => {
    expect(read({ MessageSid: 'SM1', MessageStatus: 'undelivered', ErrorCode })).toMatchObject({ reason: `twilio_${ErrorCode}`, closes });
    expect(read({ MessageSid: 'SM1', MessageStatus: 'delivered', ErrorCode })).toMatchObject({ reason: null, closes: null });
  });

  test('a failure without a code has its status for a reason', () => {
    for (const ErrorCode of [undefined, '', '0']) expect(read({ MessageStatus: 'failed', ErrorCode })).toMatchObject({ reason: 'twilio_failed' });
  });
});

describe('messages to Twilio’s numbers', () => {
  const said = (Body: string, over: object = {}) => ({ SmsStatus: 'received', MessageSid: 'SM1', From: '+15622089096', To: '+16232320112', Body, ...over });

  test('mean what they say only where they say nothing else', () => {
    const word = fc.constantFrom(['STOP', 'unsubscribed'], ['STOPALL', 'unsubscribed'], ['OPTOUT', 'unsubscribed'], ['REVOKE', 'unsubscribed'], ['START', 'returned'], ['UNSTOP', 'returned'], ['YES', 'returned'], ['HELP', 'noted']);
    const between = fc.constantFrom('', '\u3000', ' ', '-', '.', '!', '\n', '\u00a0', ' 1 ');
    fc.assert(fc.property(word, fc.array(between, { minLength: 8, maxLength: 8 }), fc.boolean(), ([letters, name], gaps, lower) => {
      const text = [...letters].map((letter, index) => letter + gaps[index]!).join('');
      expect(read(said(lower ? text.toLowerCase() : text))).toMatchObject({ name, phone: '+15622089096', eventId: 'SM1/received', providerMessageId: null });
    }));
    for (const text of ['', 'please stop', 'stopp', 'don’t stop', 'STOP YES']) expect(read(said(text))).toMatchObject({ name: 'noted' });
  });

  test('are of nobody of ours when they come over another network', () => {
    expect(read(said('STOP', { From: 'whatsapp:+15622089096' }))).toMatchObject({ name: 'noted', phone: '+15622089096' });
    for (const From of ['messenger:1', '12345', '']) expect(read(said('STOP', { From }))).toMatchObject({ name: 'noted', phone: null });
  });

  test('are answered when they ask for help that Twilio has not given', () => {
    expect([said('Help!'), said('info'), said('x', { OptOutType: 'HELP' }), said('help', { OptOutType: 'HELP' }), said('helpful'), { ...said('help'), SmsStatus: 'sent' }, 'help'].map(asksForHelp)).toEqual([true, true, false, false, false, false, false]);
  });

  test('whatever it is given, it answers with an event or a fault', () => {
    const names = ['MessageStatus', 'SmsStatus', 'MessageSid', 'From', 'To', 'Body', 'OptOutType', 'ErrorCode', 'delivery_id', '__proto__'];
    fc.assert(fc.property(fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.anything(), fc.constantFrom('received', 'failed')))), (item) => {
      const result = read(item);
      expect(isFault(result) ? typeof result.fault : typeof result.name).toBe('string');
      twilioMessages.type(item);
      asksForHelp(item);
    }), { numRuns: 2000 });
    fc.assert(fc.property(fc.uint8Array(), (body) => {
      expect(twilioMessages.split(Buffer.from(body), new URLSearchParams()).items).toHaveLength(1);
    }));
  });

  test('a text that no column can hold makes the whole unreadable', () => {
    const [item] = split('Body=a%00b&SmsStatus=received').items;
    expect(item).toBeUndefined();
    expect(read(item)).toMatchObject({ fault: 'unreadable' });
  });
});
