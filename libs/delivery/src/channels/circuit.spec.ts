import fc from 'fast-check';
import type { Outcome } from './channel.js';
import { Circuit } from './circuit.js';

const ACCEPTED: Outcome = { status: 'accepted', providerMessageId: null };
const REJECTED: Outcome = { status: 'rejected', reason: 'smtp_550' };
const GREYLISTED: Outcome = { status: 'retry', reason: 'smtp_451', reached: true };
const PUT_OFF: Outcome = { status: 'retry', reason: 'sendgrid_503', reached: true, pauseMs: 0 };
const UNREACHED: Outcome = { status: 'retry', reason: 'smtp_econnrefused', reached: false };
const UNKNOWN: Outcome = { status: 'unknown', reason: 'sendgrid_500' };

const times = (count: number, outcome: Outcome): Outcome[] => Array<Outcome>(count).fill(outcome);

test.each([[ACCEPTED], [REJECTED], [GREYLISTED]])('what is said of a message leaves it closed: %j', (outcome) => {
  const circuit = new Circuit();
  for (let n = 0; n < 50; n++) circuit.heard(0, [outcome]);
  expect(circuit.allows(0, 100)).toBe(100);
});

test.each([[PUT_OFF], [UNREACHED], [UNKNOWN]])('a batch that comes to nothing opens it, and then one message is tried: %j', (outcome) => {
  const circuit = new Circuit();
  circuit.heard(0, times(100, outcome));
  expect(circuit.allows(499, 100)).toBe(0);
  expect(circuit.allows(1_000, 100)).toBe(1);
  circuit.heard(1_000, [outcome]);
  expect([circuit.allows(1_999, 100), circuit.allows(3_000, 100)]).toEqual([0, 1]);
  circuit.heard(3_000, [ACCEPTED]);
  expect(circuit.allows(3_000, 100)).toBe(100);
});

test('it stays open for as long as the provider asks', () => {
  const circuit = new Circuit();
  circuit.heard(0, [{ ...PUT_OFF, pauseMs: 90_000 }]);
  expect([circuit.allows(89_999, 9), circuit.allows(90_000, 9)]).toEqual([0, 1]);
});

test('a provider that is gone for an hour is called a few times, then every half minute at most', () => {
  const circuit = new Circuit();
  const calls: number[] = [];
  for (let now = 0; now < 3_600_000; now += 100) {
    const allowed = circuit.allows(now, 1_000);
    if (allowed === 0) continue;
    calls.push(allowed);
    circuit.heard(now, times(allowed, UNREACHED));
  }
  expect(calls.slice(1).every((messages) => messages === 1)).toBe(true);
  expect(calls.length).toBeLessThanOrEqual(8 + 120);
});

test('of what comes to nothing a tenth of the calls and twenty may be, whatever comes between; each opening costs one more', () => {
  const batches = fc.array(fc.array(fc.constantFrom(ACCEPTED, REJECTED, PUT_OFF, UNKNOWN, UNREACHED), { minLength: 1, maxLength: 20 }), { maxLength: 200 });
  fc.assert(
    fc.property(batches, (all) => {
      const circuit = new Circuit();
      let [calls, lost, now, openings] = [0, 0, 0, 0];
      for (const batch of all) {
        const allowed = circuit.allows(now, batch.length);
        if (allowed === 0) {
          now += 60_000;
          openings += 1;
          continue;
        }
        const sent = batch.slice(0, allowed);
        circuit.heard(now, sent);
        calls += sent.length;
        lost += sent.filter(({ status }) => status !== 'accepted' && status !== 'rejected').length;
      }
      expect(lost).toBeLessThanOrEqual(20 + calls / 10 + 20 * (openings + 1));
    }),
  );
});
