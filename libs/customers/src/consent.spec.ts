import fc from 'fast-check';
import { type ConsentVoice, decideConsent } from './consent.js';
import type { Consent, ConsentPatch } from './profile.js';

const NOW = new Date('2026-06-01T00:00:00.000Z');
const UNKNOWN: Consent = { status: 'unknown', source: null, at: null };
const OUT: Consent = { status: 'unsubscribed', source: 'link', at: '2026-03-01T00:00:00.000Z' };
const IN: Consent = { status: 'subscribed', source: 'form', at: '2026-01-01T00:00:00.000Z' };

const decide = (consent: Consent, wanted: ConsentPatch | null | undefined, voice: ConsentVoice = 'sync', optedOutAt: string | null = null, sameAddress = false, lifted = false) =>
  decideConsent({ consent, optedOutAt: optedOutAt === null ? null : new Date(optedOutAt), sameAddress, lifted }, wanted, voice, NOW);
const status = (...args: Parameters<typeof decide>) => decide(...args)?.consent.status;

describe('what a consent becomes', () => {
  test('saying nothing, or the same again, changes nothing', () => {
    expect(decide(IN, undefined)).toBeNull();
    expect(decide(IN, IN)).toBeNull();
    expect(decide(IN, { status: 'subscribed', source: 'form' })).toBeNull();
  });

  test('an opt-out counts from its date on, one without a date from now on, by whoever', () => {
    for (const voice of ['import', 'sync', 'act'] as const) {
      expect(status(IN, { status: 'unsubscribed', at: '2026-01-01T00:00:00Z' }, voice)).toBe('unsubscribed');
      expect(status(IN, { status: 'unsubscribed' }, voice)).toBe('unsubscribed');
      expect(decide(IN, { status: 'unsubscribed', at: '2025-12-31T23:59:59Z' }, voice)).toBeNull(); // told late: the customer came back since
    }
    expect(status({ ...IN, at: null }, { status: 'unsubscribed', at: '2020-01-01T00:00:00Z' })).toBe('unsubscribed'); // nobody knows that they did
    expect(decide(OUT, { status: 'unsubscribed', at: '2026-01-01T00:00:00Z' })).toBeNull();
  });

  test('an opt-out without a date that repeats one keeps its date, unless that one is in force no more', () => {
    expect(decide(OUT, { status: 'unsubscribed', source: 'link' }, 'sync', OUT.at, true)).toBeNull();
    expect(decide(OUT, { status: 'unsubscribed', source: 'form' }, 'sync', null, true, true)).toEqual({ consent: { status: 'unsubscribed', source: 'form', at: NOW.toISOString() }, lifts: false });
  });

  test('only a consent given after the opt-out undoes it, and no import does', () => {
    const later = { status: 'subscribed', at: '2026-03-02T00:00:00Z' } as const;
    expect(status(OUT, later, 'sync')).toBe('subscribed');
    expect(status(OUT, later, 'act')).toBe('subscribed');
    expect(decide(OUT, later, 'import')).toBeNull();
    expect(decide(OUT, { ...later, at: '2026-02-28T23:59:59Z' }, 'act')).toBeNull();
    expect(decide(OUT, { ...later, at: OUT.at }, 'act')).toBeNull();
    expect(decide(OUT, { status: 'subscribed' }, 'sync')).toBeNull();
    expect(decide(OUT, { status: 'unknown' })).toBeNull();
    expect(decide(OUT, null)).toBeNull();
  });

  test('an address that was opted out is so for whoever has it', () => {
    expect(decide(UNKNOWN, undefined, 'sync', '2026-02-01T00:00:00Z')).toEqual({ consent: { status: 'unsubscribed', source: 'suppression', at: '2026-02-01T00:00:00.000Z' }, lifts: false });
    expect(status(IN, { status: 'subscribed' }, 'sync', '2026-02-01T00:00:00Z')).toBe('unsubscribed');
    expect(decide(UNKNOWN, { status: 'subscribed', at: '2026-02-02T00:00:00Z' }, 'act', '2026-02-01T00:00:00Z')).toMatchObject({ consent: { status: 'subscribed' }, lifts: true });
  });

  test('a consent given for the address stands against an older opt-out of it, one given for another does not', () => {
    expect(decide(IN, { status: 'unsubscribed', at: '2025-12-01T00:00:00Z' }, 'act', '2025-12-01T00:00:00Z', true)).toEqual({ consent: IN, lifts: true });
    expect(status(IN, undefined, 'sync', '2025-12-01T00:00:00Z', false)).toBe('unsubscribed');
    expect(decide(IN, undefined, 'sync', '2025-12-01T00:00:00Z', true)).toBeNull();
  });

  test('a consent without a date stays one', () => {
    expect(decide(UNKNOWN, { status: 'subscribed', source: 'form' })).toEqual({ consent: { status: 'subscribed', source: 'form', at: null }, lifts: false });
    expect(decide(IN, { status: 'subscribed', source: 'sync' })).toEqual({ consent: { ...IN, source: 'sync' }, lifts: false });
  });

  test('of dated statements the latest counts, in any order, repeated or not, whoever opts out', () => {
    const statement = fc.record({ status: fc.constantFrom('subscribed' as const, 'unsubscribed' as const), day: fc.integer({ min: 1, max: 5 }), voice: fc.constantFrom('import' as const, 'sync' as const, 'act' as const) });
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 8 }), (said) => {
        const statements = said.filter(({ status, voice }) => voice !== 'import' || status === 'unsubscribed'); // an import's consent undoes nothing
        let consent = UNKNOWN;
        let optedOutAt: string | null = null;
        for (const { status, day, voice } of statements) {
          const decided = decide(consent, { status, at: `2026-03-0${day}T00:00:00.000Z` }, voice, optedOutAt, true);
          if (decided === null) continue;
          consent = decided.consent;
          optedOutAt = consent.status === 'unsubscribed' ? consent.at : decided.lifts ? null : optedOutAt;
        }
        const last = Math.max(...statements.map(({ day }) => day));
        const expected = statements.length === 0 ? 'unknown' : statements.some(({ status, day }) => day === last && status === 'unsubscribed') ? 'unsubscribed' : 'subscribed';
        expect([consent.status, optedOutAt !== null]).toEqual([expected, expected === 'unsubscribed']);
      }),
      { numRuns: 2000 },
    );
  });
});
