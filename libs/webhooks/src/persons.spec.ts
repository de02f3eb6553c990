import fc from 'fast-check';
import { eventOf } from './normalisers/inbound-event.js';
import { personsIn, personsOf } from './persons.js';

const opened = (over: object = {}) => eventOf({ name: 'opened', ...over });
const fault = { fault: 'unsupported_event_type', pointer: '', detail: '' };

describe('persons in an item', () => {
  test('are found as it was read, and wherever else their addresses stand', () => {
    expect(personsIn({ contact: 7 }, opened({ customerId: 'ada', email: 'Ada@Example.com', phone: '+1 415 555 2671' }))).toEqual(['id:ada', 'email:ada@example.com', 'phone:+14155552671']);
    expect(personsIn({ msg: { to: ['Ada <Ada@example.com>', 'b@example.com'] }, From: 'whatsapp:+14155552671' }, opened())).toEqual(['email:ada@example.com', 'email:b@example.com', 'phone:+14155552671']);
    expect(personsIn({ customer_id: 7, email: 'a@example.com' }, fault)).toEqual(['id:7', 'email:a@example.com']);
  });

  test('are as many as one event may be about, whatever it is', () => {
    expect(personsIn(Array.from({ length: 1000 }, (_, n) => `a${n}@example.com`), fault)).toHaveLength(32);
    fc.assert(fc.property(fc.anything(), (item) => void expect(personsIn(item, fault).length).toBeLessThanOrEqual(32)));
  });

  test('are spelt as those are who are looked for', () => {
    fc.assert(fc.property(fc.emailAddress(), (email) => void expect(personsIn({ email: email.toUpperCase() }, opened({ email }))).toEqual(expect.arrayContaining(personsOf({ customerId: null, email, phone: null })))));
  });
});
