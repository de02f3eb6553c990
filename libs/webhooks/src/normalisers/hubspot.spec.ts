import fc from 'fast-check';
import { hubspotEvents } from './hubspot.js';
import { isFault } from './inbound-event.js';

/** As HubSpot posts it. */
const captured = (over: object = {}) => ({
  eventId: 567890123, subscriptionId: 234567, portalId: 12345678, appId: 987654, occurredAt: 1708986598741, subscriptionType: 'contact.creation', attemptNumber: 0,
  objectId: 65059681032, changeFlag: 'CREATED', changeSource: 'CRM_UI', sourceId: 'userId:45678', ...over,
});
const read = (item: unknown) => hubspotEvents.read('hubspot', item);

describe('HubSpot’s events', () => {
  test('tell of a contact by its id alone', () => {
    expect(read(captured())).toMatchObject({ name: 'contact_created', introduces: true, contactId: '65059681032', at: new Date(1708986598741), email: null });
  });

  test.each([
    ['contact.creation', {}, 'contact_created'], ['contact.restore', {}, 'contact_created'], ['contact.deletion', {}, 'noted'], ['contact.privacyDeletion', {}, 'noted'], ['contact.merge', {}, 'noted'],
    ['object.creation', { objectTypeId: '0-1' }, 'contact_created'], ['object.creation', { objectTypeId: '0-2' }, 'noted'], ['object.creation', {}, 'noted'], ['company.creation', {}, 'noted'],
    ['contact.propertyChange', { propertyName: 'firstname', propertyValue: 'Ada' }, 'contact_changed'], ['object.propertyChange', { objectTypeId: '0-1', propertyName: 'email' }, 'contact_changed'],
    ['contact.propertyChange', { propertyName: 'lifecyclestage' }, 'noted'], ['contact.propertyChange', { propertyName: 'hs_email_optout', propertyValue: 'true' }, 'unsubscribed'],
    ['contact.propertyChange', { propertyName: 'hs_email_optout', propertyValue: 'false' }, 'noted'],
    ['contact.creation', { objectId: '../../owners' }, 'noted'], ['contact.creation', { objectId: 1e21 }, 'noted'], ['contact.teleportation', {}, 'unknown'], ['contact', {}, 'unknown'], ['contact.constructor', {}, 'unknown'],
  ])('%s %j is %s', (subscriptionType, over, name) => {
    expect(read(captured({ subscriptionType, ...over }))).toMatchObject({ name });
  });

  test('are the same whichever attempt it is, and others by anything else', () => {
    const id = (over: object) => (read(captured(over)) as { eventId: string }).eventId;
    expect(id({ attemptNumber: 3 })).toBe(id({}));
    const others = [{}, { eventId: 1 }, { subscriptionId: 1 }, { occurredAt: 1 }, { objectId: 1 }, { portalId: 1 }, { subscriptionType: 'contact.restore' }];
    expect(new Set(others.map(id)).size).toBe(others.length);
  });

  test('of a workflow tell who it is, and by which form', () => {
    const whole = {
      vid: 3234574, 'portal-id': 62515, 'is-contact': true,
      properties: { email: { value: 'Ada@example.com', versions: [] }, firstname: { value: 'Ada' }, lastname: { value: 'Lovelace' }, phone: { value: '+14155552671' } },
      'form-submissions': [{ 'form-id': 'a', title: 'Contact us', timestamp: 1484878780000 }, { 'form-id': 'b', title: 'Book a table', timestamp: 1484878785757 }],
    };
    expect([hubspotEvents.type(whole), read(whole)]).toMatchObject(['workflow.form_submission', {
      name: 'form_submitted', introduces: true, contactId: '3234574', email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace', phone: '+14155552671', at: new Date(1484878785757),
    }]);
    expect(read({ ...whole, 'form-submissions': [] })).toMatchObject({ name: 'contact_changed', introduces: true, at: null });
    expect(read({ objectId: 7, properties: { email: 'b@example.com', mobilephone: '+14155552672' } })).toMatchObject({ name: 'contact_changed', contactId: '7', email: 'b@example.com', phone: '+14155552672' });
    expect(read({ email: 'c@example.com', firstname: 'Carol' })).toMatchObject({ email: 'c@example.com', firstName: 'Carol', contactId: null });
    for (const item of [{}, { subscriptionType: '' }, { subscriptionType: {} }, null, [], 'x']) expect(isFault(read(item))).toBe(true);
  });

  test('whatever they are, an event or a fault comes of them', () => {
    const names = [...Object.keys(captured({ propertyName: '', objectTypeId: '' })), 'properties', 'email', 'vid', 'form-submissions', 'value', 'timestamp', '__proto__'];
    const text = fc.constantFrom('contact.creation', 'object.propertyChange', '0-1', 'email', 'hs_email_optout', 'true');
    const item = fc.letrec((tie) => ({ value: fc.oneof({ maxDepth: 3 }, text, fc.jsonValue(), tie('item'), fc.array(tie('item'), { maxLength: 3 })), item: fc.dictionary(fc.constantFrom(...names), tie('value')) })).item;
    fc.assert(fc.property(fc.oneof(item, fc.jsonValue()), (given) => {
      const result = read(given);
      expect(isFault(result) ? typeof result.fault : typeof result.name).toBe('string');
      hubspotEvents.type(given);
    }), { numRuns: 2000 });
  });
});
