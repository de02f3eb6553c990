import { applyPatch, blankProfile, type ProfilePatch } from './profile.js';

const known = { ...blankProfile(7, 'a'), city: 'Rome', tags: ['vip', 'lunch'], attributes: { visits: 3, diet: 'vegan' }, push_subscription: { endpoint: 'https://push.example.com', keys: { p256dh: 'x' } } };

test.each<ProfilePatch>([
  {},
  { city: 'Rome' },
  { city: 'Rome', phone: null },
  { tags: ['vip', 'lunch', 'vip'] },
  { attributes: { diet: 'vegan', gone: null } },
  { attributes: {} },
  { push_subscription: { keys: { p256dh: 'x' }, endpoint: 'https://push.example.com' } },
])('a patch that says what is known, %j, makes the very same profile', (patch) => expect(applyPatch(known, patch)).toBe(known));

test.each([
  [{ city: 'Oslo' }, { city: 'Oslo' }],
  [{ city: null }, { city: null }],
  [{ tags: ['lunch', 'vip'] }, { tags: ['lunch', 'vip'] }],
  [{ tags: null }, { tags: [] }],
  [{ attributes: { visits: 4 } }, { attributes: { visits: 4, diet: 'vegan' } }],
  [{ attributes: { visits: null } }, { attributes: { diet: 'vegan' } }],
  [{ attributes: null }, { attributes: {} }],
  [{ push_subscription: null, city: 'Rome' }, { push_subscription: null }],
])('%j changes that and nothing else, in another profile', (patch, changed) => {
  const before = structuredClone(known);
  expect(applyPatch(known, patch)).toEqual({ ...known, ...changed });
  expect(known).toEqual(before);
});
