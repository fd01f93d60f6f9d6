/** The devices of one user take turns under the limit, so a chatty tablet does not starve the phone. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LimitedPool } from '../../../support/limited-pool.ts';
import type { Wish } from '../../../support/played-call.ts';
import { aKey, aReply, Recorder } from '../../../support/recording-sink.ts';

const phone = { application: '/ucwa/v1/applications/1' };
const tablet = { application: '/ucwa/v1/applications/2' };
/** The phone in the application of the tablet. To the proxy they are one device, and one queue serves both. */
const sameApplication = { ...tablet, cookie: 'phone' };

const routeMs = 30;
const tripMs = routeMs + 2;

/**
 * Plays a minute under a limit of 9. The tablet keeps `calls` calls under way, and the phone asks every 200 ms.
 */
function minute(calls: number, ofPhone: Partial<Wish>, ofTablet: Partial<Wish> = tablet) {
  const pool = new LimitedPool({ limit: () => 9, routeMs });
  const phoneMs: number[] = [];
  let n = 0;
  let tabletAnswers = 0;
  const askTablet = (): void => {
    const again = (): void => {
      tabletAnswers += 1;
      pool.after(0, askTablet);
    };
    void pool.ask('ann', again, { path: `people?n=${(n += 1)}`, ...ofTablet });
  };
  const askPhone = (): void => {
    const path = `me?n=${(n += 1)}`;
    void pool.ask('ann', (_, ms) => void phoneMs.push(ms), { path, ...ofPhone });
    pool.after(200, askPhone);
  };
  for (let i = 0; i < calls; i += 1) pool.after(pool.random() * routeMs, askTablet);
  pool.until(5000);
  tabletAnswers = 0;
  pool.after(0, askPhone);
  const { failed } = pool.until(65_000);
  phoneMs.sort((a, b) => a - b);
  return { p95Ms: phoneMs[Math.floor(phoneMs.length * 0.95)]!, tabletAnswers, failed };
}

describe.each([30, 100])('a phone beside a tablet with %i calls under way, limit 9', (calls) => {
  const fair = minute(calls, phone);
  const unfair = minute(calls, sameApplication);

  test('waits at most three round trips in 95 of 100 calls, and less than in one queue', () => {
    expect(fair.p95Ms).toBeLessThanOrEqual(3 * tripMs);
    expect(fair.p95Ms).toBeLessThan(unfair.p95Ms / 1.5);
    expect(fair.failed).toBe(0);
  });

  test('takes from the tablet about as much as it uses', () => {
    expect(fair.tabletAnswers).toBeGreaterThan(unfair.tabletAnswers * 0.95);
  });

  test('gets its share if the tablet marks all its calls as the most urgent ones', () => {
    const { p95Ms, failed } = minute(calls, phone, { ...tablet, urgency: 0 });
    expect(p95Ms).toBeLessThanOrEqual(3 * tripMs);
    expect(failed).toBe(0);
  });
});

test('three devices that always ask get equal shares, whatever their number of calls', () => {
  const pool = new LimitedPool({ limit: () => 9, routeMs });
  const answers = new Map<string, number>();
  let n = 0;
  const ask = (application: string): void => {
    const again = (): void => {
      answers.set(application, (answers.get(application) ?? 0) + 1);
      pool.after(0, () => ask(application));
    };
    void pool.ask('ann', again, { path: `me?n=${(n += 1)}`, application });
  };
  for (const [device, calls] of [10, 20, 60].entries()) {
    const application = `/ucwa/v1/applications/${device}`;
    for (let i = 0; i < calls; i += 1) pool.after(pool.random() * routeMs, () => ask(application));
  }
  pool.until(5000);
  answers.clear();
  pool.until(65_000);
  const counts = [...answers.values()];
  expect(counts).toHaveLength(3);
  expect(Math.min(...counts)).toBeGreaterThan(Math.max(...counts) * 0.9);
});

test('a device that asks one call at a time does not starve one with large batches', () => {
  const pool = new LimitedPool({ limit: () => 9, routeMs });
  const answers = { small: 0, large: 0 };
  let n = 0;
  const ask = (device: 'small' | 'large'): void => {
    const again = (): void => {
      answers[device] += 1;
      pool.after(0, () => ask(device));
    };
    const own = device === 'small' ? phone : tablet;
    void pool.ask('ann', again, { path: `me?n=${(n += 1)}`, ...own });
  };
  for (let i = 0; i < 9; i += 1) pool.after(i * 3.7, () => ask('small'));
  for (let i = 0; i < 60; i += 1) pool.after(1, () => ask('large'));
  pool.until(20_000);
  expect(answers.large).toBeGreaterThan(answers.small * 0.8);
});

describe('with batches of at most two', () => {
  /** Submits the calls `device letter`, and grants permits until all are sent. */
  function sent(calls: readonly string[], changes = {}): string[] {
    const recorder = new Recorder({ maxParts: 2, ...changes });
    for (const call of calls) recorder.submit(call, 0, deviceKey(Number(call[0])));
    for (const nowMs of [10, 20, 30, 40, 50]) {
      recorder.turn(nowMs);
      recorder.grant(nowMs);
    }
    return recorder.batches.map((batch) => batch.calls.map(({ caller }) => caller).join(' '));
  }

  test('devices take turns', () => {
    expect(sent(['1a', '1b', '1c', '1d', '1e', '1f', '2a', '2b', '3a', '3b'])).toEqual([
      '1a 1b',
      '2a 2b',
      '3a 3b',
      '1c 1d',
      '1e 1f',
    ]);
  });

  test('one device sends in order of arrival', () => {
    expect(sent(['1a', '1b', '1c', '1d'])).toEqual(['1a 1b', '1c 1d']);
  });
});

test('devices that wait together send as many calls, but for two batches, and no permit is wasted', () => {
  const devices = fc.constantFrom(0, 1, 2, 3);
  const urgencies = fc.constantFrom(undefined, undefined, undefined, 0, 3, 7);
  const arrival = fc.record({ device: devices, urgency: urgencies, afterPermits: fc.nat(12) });
  const arrivals = fc.array(arrival, { minLength: 10, maxLength: 60 });
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 1, max: 5 }), (calls, maxParts) => {
      const recorder = new Recorder({ maxParts, lingerMaxMs: 0, maxQueuedCallsPerUser: 100 });
      const waiting = [0, 0, 0, 0];
      /** Calls that each of two devices has sent since both wait. */
      const since = waiting.map(() => waiting.map(() => [0, 0] as [number, number]));
      let left = calls.length;
      for (let permits = 0; left > 0; permits += 1) {
        const coming = calls.filter(({ afterPermits }) => afterPermits === permits);
        for (const { device, urgency } of coming) {
          recorder.submit(`${device}`, permits, deviceKey(device), { urgency, collapsible: false });
          waiting[device]! += 1;
        }
        recorder.turn(permits);
        // A permit for a user is asked for once, and then again while calls wait.
        const permit = recorder.permits.shift();
        recorder.permits.length = 0;
        if (permit === undefined) {
          if (waiting.some((count) => count > 0)) throw new Error('calls wait without a permit');
          continue;
        }
        const isSent = recorder.core.dispatch(permit.user, permit.unbatched, permits);
        const batch = recorder.batches.pop();
        if (!isSent || batch === undefined) throw new Error('a permit was wasted');
        const device = Number(batch.calls[0]!.caller);
        for (const other of waiting.keys()) {
          if (other === device) continue;
          const [a, b] = [since[device]![other]!, since[other]![device]!];
          const isTogether = waiting[other]! > 0;
          a[0] = isTogether ? a[0] + batch.parts : 0;
          b[1] = a[0];
          if (!isTogether) a[1] = b[0] = 0;
          if (Math.abs(a[0] - a[1]) > 2 * maxParts) throw new Error(`${a[0]} and ${a[1]} calls`);
        }
        waiting[device]! -= batch.parts;
        left -= batch.parts;
        for (const other of waiting.keys()) {
          if (waiting[device]! > 0 || other === device) continue;
          since[device]![other] = [0, 0];
          since[other]![device] = [0, 0];
        }
        recorder.core.settle(batch, { kind: 'relay', reply: aReply('') }, permits);
      }
    }),
    { numRuns: 1000 },
  );
});

function deviceKey(device: number) {
  return aKey('ann', `/ucwa/v1/applications/${device}`);
}
