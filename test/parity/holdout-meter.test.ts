import { expect, test } from '@jest/globals';
import { LiveSettings } from '../../src/app/live-settings.ts';
import { Proof } from '../../src/app/proof.ts';
import { pointOf } from '../../src/core/schedule/point-of-user.ts';
import type { FinishedCall, ListenObserver } from '../../src/listen/observer.ts';
import { holdoutCallOf, measuredSend } from '../../src/parity/holdout-meter.ts';
import { loadServeSettings } from '../../src/settings/load-settings.ts';
import type { Exchange, ExchangeHandler, ExchangeRequest } from '../../src/upstream/exchange.ts';

const target = '/ucwa/oauth/v1/applications/1045/me/note?x=1';
const finished: FinishedCall = {
  ...{ via: 'single', status: 200, durationMs: 20, method: 'GET', target, user: 'ann' },
  ...{ poll: false, callerLeft: false },
};

test('a call counts for its route, and as an error if the pool refused it or failed', () => {
  const point = pointOf('ann');
  const known = { point, route: '/me/note', durationMs: 20, isError: false };
  expect(holdoutCallOf(finished)).toEqual(known);
  for (const [status, isError] of [
    [404, false],
    [429, true],
    [503, true],
  ] as const) {
    expect(holdoutCallOf({ ...finished, status })).toEqual({ ...known, isError });
  }
  expect(holdoutCallOf({ ...finished, method: 'PUT' })?.route).toBe('PUT /me/note');
});

test('a call that passed through, that was refused, or that has no answer counts for no group', () => {
  for (const other of [
    ...[{ via: 'passthrough' as const }, { via: 'refused' as const }],
    ...[{ status: 0 }, { callerLeft: true }],
  ]) {
    expect(holdoutCallOf({ ...finished, ...other })).toBeUndefined();
  }
});

test('a request counts with the bytes of its head and body, and of the answer', () => {
  let [requests, bytes] = [0, 0];
  const got: string[] = [];
  const exchange = {} as Exchange;
  const send = measuredSend(
    (_, handler) => {
      handler.head(200, 'OK', ['A', 'b']);
      handler.data(Buffer.from('1234'));
      handler.end();
      return exchange;
    },
    { requested: () => (requests += 1), transferred: (_, more) => (bytes += more) },
  );
  const request = {
    ...{ method: 'GET', target: '/me', headers: ['Host', 'pool'], body: Buffer.from('xy') },
    user: { name: 'ann' },
  } as unknown as ExchangeRequest;
  const handler: ExchangeHandler = {
    head: (status) => void got.push(String(status)),
    data: (chunk) => void got.push(chunk.toString()),
    end: () => void got.push('end'),
    fault: ({ name }) => void got.push(name),
  };
  expect(send(request, handler)).toBe(exchange);
  expect(got).toEqual(['200', '1234', 'end']);
  // The target, the body, "Host: pool", "A: b", the ends of both lines, and the body of the answer.
  expect([requests, bytes]).toEqual([1, 3 + 2 + 12 + 6 + 4]);
});

type Finished = Pick<ListenObserver, 'finished'>;
const nobody: Finished = { finished: () => undefined };

function startProof(env: Readonly<Record<string, string>>) {
  const loaded = loadServeSettings({
    flags: { upstream: 'http://pool.example' },
    ...{ env, readFile: () => '' },
  });
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  const live = new LiveSettings(loaded.settings, new Map());
  const log: string[] = [];
  const write = (message: string, facts: object = {}): void =>
    void log.push(`${message} ${JSON.stringify(facts)}`);
  const none = (): undefined => undefined;
  const parity = { compared: none, skipped: none, asked: none };
  const time = { nowMs: 0 };
  const clock = { now: () => time.nowMs, setTimer: () => none };
  const proof = new Proof(live, { parity }, { info: write, warn: write }, clock);
  return { live, log, proof, time };
}

test('a route that fails for users with batches only leaves batches, and is tried again after an hour', () => {
  const { live, log, proof, time } = startProof({ UCWA_PROXY_BATCHING_SHARE: '0.5' });
  let counted = 0;
  const counting: Finished = { finished: () => void (counted += 1) };
  const observer = proof.observer(counting);
  const routes = proof.routesFor(live.current.batching)!;
  for (let i = 0; i < 4000; i += 1) {
    const user = `user ${(i % 200) ** 2}`;
    observer.finished({ ...finished, user, status: pointOf(user) < 0.5 ? 500 : 200 });
    observer.finished({ ...finished, user, method: 'PUT' });
  }
  expect(counted).toBe(8000);
  expect(routes.isUnbatched('/me/note', 0)).toBe(true);
  expect(routes.isUnbatched('PUT /me/note', 0)).toBe(false);
  expect(log).toHaveLength(1);
  expect(log[0]).toMatch(/^a route leaves batches, .*"route":"\/me\/note","reason":"errors"/);
  expect(proof.source.unbatched('errors')).toBe(1);
  expect(proof.report()).toMatchObject({ unbatchedRoutes: [{ route: '/me/note' }] });

  proof.check();
  expect(log).toHaveLength(1);
  time.nowMs = 3_600_000;
  proof.check();
  proof.check();
  expect(log.slice(1)).toEqual([
    'a route that had left batches is tried again {"route":"/me/note","reason":"errors"}',
  ]);
  expect(proof.source.unbatched('errors')).toBe(0);
});

test('the comparison of users begins, starts anew and ends with the setting', () => {
  const { live, proof } = startProof({});
  const observer = proof.observer(nobody);
  const share = (wanted: number): void => {
    const { current } = live;
    live.reload({ ...current, batching: { ...current.batching, share: wanted } }, new Map());
  };
  observer.finished(finished);
  expect([proof.holdout, proof.report()]).toEqual([undefined, {}]);
  share(0.5);
  observer.finished(finished);
  const calls = (): number =>
    proof.holdout!.total('batched').calls + proof.holdout!.total('direct').calls;
  expect(calls()).toBe(1);
  share(0.9);
  expect(calls()).toBe(0);
  share(1);
  observer.finished(finished);
  expect([proof.holdout, proof.report()]).toEqual([undefined, {}]);
});
