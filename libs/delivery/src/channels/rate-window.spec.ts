import fc from 'fast-check';
import { type Grant, takeFrom, waitFor } from './rate-window.js';

const requests = fc.array(fc.record({ after: fc.integer({ min: 0, max: 1_500 }), wanted: fc.integer({ min: 1, max: 50 }) }), { maxLength: 100 });

test('in no second do more leave than may, and none waits while there is room', () => {
  fc.assert(
    fc.property(requests, fc.integer({ min: 1, max: 30 }), (all, perSecond) => {
      let grants: Grant[] = [];
      let now = 0;
      const log: Grant[] = [];
      for (const { after, wanted } of all) {
        now += after;
        const inLastSecond = log.filter(([at]) => at > now - 1_000).reduce((sum, [, messages]) => sum + messages, 0);
        const taken = takeFrom(grants, perSecond, now, wanted);
        expect(taken.granted).toBe(Math.min(wanted, perSecond - inLastSecond));
        grants = taken.grants;
        expect(grants.length).toBeLessThanOrEqual(perSecond);
        if (taken.granted > 0) log.push([now, taken.granted]);
      }
      for (const [start] of log) expect(log.filter(([at]) => at >= start && at < start + 1_000).reduce((sum, [, messages]) => sum + messages, 0)).toBeLessThanOrEqual(perSecond);
    }),
  );
});

test('it is told when there is room again, to the millisecond', () => {
  const { grants } = takeFrom([], 5, 10_000, 5);
  expect([waitFor([], 5, 10_000), waitFor(grants, 5, 10_000), waitFor(grants, 5, 10_999), waitFor(grants, 5, 11_000)]).toEqual([0, 1_000, 1, 0]);
});

test('workers whose clocks differ do not take twice', () => {
  const { grants } = takeFrom([], 5, 10_000, 5);
  expect(takeFrom(grants, 5, 9_000, 5).granted).toBe(0);
});
