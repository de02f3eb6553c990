import fc from 'fast-check';
import { encodeDeliveryId } from '#delivery';
import { eventOf } from './normalisers/inbound-event.js';
import { personsAnywhereIn, personsOf } from './persons.js';

describe('persons', () => {
  test('whom an event is about are those as whom it was read', () => {
    const event = eventOf({ name: 'contact_changed', customerId: 'ada', contactId: '55', email: ' Ada@Example.com', formerEmail: 'old@bücher.example', phone: '+1 415 555 2671' });
    expect(personsOf('hubspot', event)).toEqual(['id:ada', 'id:hubspot_55', 'email:ada@example.com', 'email:old@xn--bcher-kva.example', 'phone:+14155552671']);
    expect(personsOf('twilio', eventOf({ name: 'opened', deliveryId: encodeDeliveryId({ tenantId: 3, campaignNo: 7, customerNo: 42, channel: 'sms' }) }))).toEqual(['no:3/42']);
    expect(personsOf('twilio', eventOf({ name: 'opened', deliveryId: 'dlv_of-nobody' }))).toEqual([]);
  });

  test('whom an item may be about that is no event are all that it names', () => {
    expect(personsAnywhereIn({ customer_id: 7, msg: { to: ['Ada <Ada@example.com>', 'b@example.com'] }, From: 'whatsapp:+14155552671' })).toEqual(['id:7', 'email:ada@example.com', 'email:b@example.com', 'phone:+14155552671']);
    expect(personsAnywhereIn(Array.from({ length: 1000 }, (_, n) => `a${n}@example.com`))).toHaveLength(32);
    fc.assert(fc.property(fc.anything(), (item) => void expect(personsAnywhereIn(item).length).toBeLessThanOrEqual(32)));
  });

  test('are spelt alike, however they are found', () => {
    fc.assert(fc.property(fc.emailAddress(), (email) => void expect(personsAnywhereIn({ email: email.toUpperCase() })).toEqual(expect.arrayContaining(personsOf('sendgrid', eventOf({ name: 'opened', email }))))));
  });
});
