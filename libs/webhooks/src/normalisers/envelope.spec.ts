import fc from 'fast-check';
import { PROVIDER_IDS } from '../providers.js';
import { envelope } from './envelope.js';
import { isFault } from './inbound-event.js';

const read = (item: unknown, provider: (typeof PROVIDER_IDS)[number] = 'sendgrid') => envelope.read(provider, item);

describe('the envelope', () => {
  test('the reference’s sample', () => {
    expect(read({ event_type: 'email.opened', email: 'Customer@example.com ', campaign_id: 'camp_001', timestamp: '2026-01-24T18:30:00Z' })).toMatchObject({
      name: 'opened', channel: 'email', email: 'customer@example.com', campaignId: 'camp_001', at: new Date('2026-01-24T18:30:00Z'), customerId: null, machine: false,
    });
  });

  test.each([
    ['opened', 'sendgrid', 'opened', null],
    ['email.opened', 'sendgrid', 'opened', 'email'],
    ['SMS.Delivered', 'twilio', 'delivered', 'sms'],
    ['push.delivered', 'sendgrid', 'delivered', 'push'],
    ['campaign_sent', 'mailchimp', 'campaign_sent', null],
    ['form_submitted', 'hubspot', 'form_submitted', null],
  ] as const)('%s of %s is %s', (event_type, provider, name, channel) => {
    expect(read({ event_type }, provider)).toMatchObject({ name, channel });
  });

  test.each([
    ['email.opened', 'twilio'], ['subscribed', 'sendgrid'], ['fax.opened', 'sendgrid'], ['email.', 'sendgrid'], ['email.email.opened', 'sendgrid'], ['toString', 'hubspot'],
  ] as const)('%s is nothing that %s reports', (event_type, provider) => {
    expect(read({ event_type }, provider)).toMatchObject({ fault: 'unsupported_event_type', pointer: '/event_type' });
  });

  test('one instant, however it is written', () => {
    for (const timestamp of ['2026-01-24T18:30:00Z', '2026-01-24T19:30:00+01:00', '1769279400', 1769279400, 1769279400000, '2026-01-24t18:30:00.000z']) {
      expect(read({ event_type: 'opened', timestamp })).toMatchObject({ at: new Date('2026-01-24T18:30:00Z') });
    }
    for (const timestamp of ['2026-01-24', '2026-01-24T18:30:00', 'now', -1, 1.5, 1e20, '0000-01-01T00:00:00Z', true]) {
      expect(read({ event_type: 'opened', timestamp })).toMatchObject({ fault: 'invalid_timestamp', pointer: '/timestamp' });
    }
  });

  test('whatever it is given, it answers with an event or a fault', () => {
    const value = fc.oneof(fc.anything(), fc.string(), fc.constant('email.opened'));
    const fields = ['event_type', 'email', 'phone', 'timestamp', 'channel', 'url', 'event_id', 'campaign_id'];
    const item = fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom(...fields), value));
    fc.assert(fc.property(item, fc.constantFrom(...PROVIDER_IDS), (given, provider) => {
      const result = read(given, provider);
      expect(isFault(result) ? typeof result.fault : typeof result.name).toBe('string');
    }), { numRuns: 2000 });
  });
});
