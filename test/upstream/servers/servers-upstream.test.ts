import { describe, expect, test } from '@jest/globals';
import { later, ok, refusing, reset, Rig, serve, silent, unavailable } from './rig.ts';

const post = { method: 'POST', isSafe: false };
const answered = { status: 200, fault: undefined };
const times = async <T>(count: number, act: () => Promise<T>): Promise<T[]> => {
  const results: T[] = [];
  for (let n = 0; n < count; n += 1) results.push(await act());
  return results;
};

describe('requests to several servers', () => {
  test('are spread, although each server could take all of them on one connection', async () => {
    const pools = await serve(ok, ok, ok);
    const rig = new Rig(pools.map(({ url }) => url));
    await times(9, () => rig.ask());
    expect(pools.map(({ requests }) => requests.length)).toEqual([3, 3, 3]);
  });

  test('never need more connections than the limit of the pool, and each of them gets its turn', async () => {
    const slow = later();
    const pools = await serve(slow.script, slow.script, slow.script);
    const rig = new Rig(
      pools.map(({ url }) => url),
      { maxConnections: 2 },
    );
    const outcomes = Array.from({ length: 12 }, () => rig.ask());
    for (let done = 0; done < 12;) {
      await new Promise((resolve) => setImmediate(resolve));
      expect(slow.waiting).toBeLessThanOrEqual(2);
      expect(rig.connections).toBeLessThanOrEqual(2);
      done += slow.waiting;
      slow.answer();
    }
    expect(await Promise.all(outcomes)).toEqual(outcomes.map(() => answered));
    const counts = pools.map(({ requests }) => requests.length);
    expect(counts.reduce((sum, count) => sum + count)).toBe(12);
  });
});

describe('a server that refuses connections', () => {
  test('costs no request, whatever its method, and is ejected', async () => {
    const [pool] = await serve(ok);
    const rig = new Rig([await refusing(), pool!.url]);
    expect(await times(6, () => rig.ask(post))).toEqual(Array(6).fill(answered));
    expect(rig.log).toEqual(['s0 out: connect']);
    expect(pool!.requests).toHaveLength(6);
  });

  test('if no server is left, the request fails as unsent', async () => {
    const rig = new Rig([await refusing(), await refusing()]);
    expect(await rig.ask(post)).toEqual({ status: undefined, fault: 'unsent connection_refused' });
    expect(await times(2, () => rig.ask(post))).toEqual(
      Array(2).fill({ status: undefined, fault: 'unsent connection_refused' }),
    );
  });

  test('the fallback servers take over', async () => {
    const [pool] = await serve(ok);
    const rig = new Rig([await refusing()], { fallback: [pool!.url] });
    expect(await times(3, () => rig.ask(post))).toEqual(Array(3).fill(answered));
    expect(rig.log).toEqual(['s0 out: connect', 'tier: fallback']);
  });
});

describe('a request that may have run', () => {
  test('is unknown, although the server that it moved to takes no connection', async () => {
    const [pool] = await serve(reset);
    const rig = new Rig([pool!.url, await refusing()]);
    const { fault } = await rig.ask();
    expect(fault).toMatch(/^unknown /);
    expect(pool!.requests).toHaveLength(1);
  });

  test.each(['POST', 'PUT', 'DELETE'])('%s is never sent to a second server', async (method) => {
    const pools = await serve(reset, reset, unavailable);
    const rig = new Rig(pools.map(({ url }) => url));
    const outcomes = await times(3, () => rig.ask({ method, isSafe: false }));
    expect(outcomes).toEqual([
      { status: undefined, fault: 'unknown connection_terminated' },
      { status: undefined, fault: 'unknown connection_terminated' },
      { status: 503, fault: undefined },
    ]);
    expect(pools.map(({ requests }) => requests.length)).toEqual([1, 1, 1]);
  });

  test.each([
    ['the server resets the connection', reset],
    ['the server answers 503 without a body of UCWA', unavailable],
  ])('a GET moves to another server if %s', async (_, script) => {
    const pools = await serve(script, ok);
    const rig = new Rig(pools.map(({ url }) => url));
    expect(await times(8, () => rig.ask())).toEqual(Array(8).fill(answered));
    expect(pools[0]!.requests.length).toBeGreaterThan(0);
    expect(rig.log).toHaveLength(1);
  });

  test('a 503 of the application reaches the caller', async () => {
    const pools = await serve((_, socket) => {
      socket.write(
        'HTTP/1.1 503 Busy\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
      );
    }, ok);
    const rig = new Rig(pools.map(({ url }) => url));
    expect((await times(2, () => rig.ask())).map(({ status }) => status)).toEqual([503, 200]);
  });

  test('if all servers answer 503, the caller gets the last answer', async () => {
    const pools = await serve(unavailable, unavailable);
    const rig = new Rig(pools.map(({ url }) => url));
    expect(await rig.ask()).toEqual({ status: 503, fault: undefined });
    expect(pools.map(({ requests }) => requests.length)).toEqual([1, 1]);
  });

  test('GETs stop to move when the budget is spent', async () => {
    const pools = await serve(unavailable, unavailable);
    const rig = new Rig(pools.map(({ url }) => url));
    const sent = 400;
    await Promise.all(Array.from({ length: sent }, () => rig.ask()));
    const requests = pools.reduce((sum, pool) => sum + pool.requests.length, 0);
    expect(requests).toBeLessThan(sent + 100 + sent * 0.2 + 100);
  });
});

test('a GET does not move if other requests to the pool have spent the moves', async () => {
  const pools = await serve(unavailable, ok);
  const rig = new Rig(pools.map(({ url }) => url));
  for (let n = 0; n < 1000; n += 1) rig.servers.moves.spend();
  expect((await times(2, () => rig.ask())).map(({ status }) => status)).toEqual([503, 200]);
});

test('a GET that was sent again before does not move', async () => {
  const pools = await serve(unavailable, reset);
  const rig = new Rig(pools.map(({ url }) => url));
  const again = { isRetry: true, takeRepetition: () => false };
  const [first, second] = await times(2, () => rig.ask(again));
  expect(first).toEqual({ status: 503, fault: undefined });
  expect(second).toEqual({ status: undefined, fault: 'unknown connection_terminated' });
  expect(pools.map(({ requests }) => requests.length)).toEqual([1, 1]);
});

describe('a server that does not answer', () => {
  test('is ejected within 2 s, its GETs move, and its writes stay with it', async () => {
    const pools = await serve(silent, ok, ok);
    const rig = new Rig(pools.map(({ url }) => url));
    const startMs = performance.now();
    const writes = Array.from({ length: 3 }, () => rig.send(post));
    const reads: Array<Promise<unknown>> = [];
    while (rig.log.length === 0) {
      for (let n = 0; n < 3; n += 1) reads.push(rig.ask());
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(performance.now() - startMs).toBeLessThan(2000);
    expect(rig.log).toEqual(['s0 out: silent']);
    expect(await Promise.all(reads)).toEqual(reads.map(() => answered));
    expect(pools[0]!.requests.filter((request) => request.startsWith('POST'))).toHaveLength(1);
    const stuck = writes[0]!;
    expect(stuck.exchange.started).toBe(true);
    stuck.exchange.abort();
    expect(await stuck.outcome).toMatchObject({ fault: 'unknown connection_terminated' });
    const posts = pools.map(
      ({ requests }) => requests.filter((request) => request.startsWith('POST')).length,
    );
    expect(posts).toEqual([1, 1, 1]);
  });
});

test('connections to an ejected server are closed when their requests are over', async () => {
  const slow = later();
  const pools = await serve(slow.script, ok);
  const rig = new Rig(pools.map(({ url }) => url));
  const first = rig.ask(post);
  await rig.ask();
  while (slow.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  const [server] = rig.servers.set.servers;
  for (let n = 0; n < 2; n += 1) rig.servers.set.checked(server!, false, true, performance.now());
  slow.answer();
  expect(await first).toEqual(answered);
  await pools[0]!.untilClosed(1);
  expect(rig.connections).toBe(1);
});

test('a request that is aborted while it waits for a slot is never sent', async () => {
  const slow = later();
  const pools = await serve(slow.script, slow.script);
  const rig = new Rig(
    pools.map(({ url }) => url),
    { maxConnections: 1 },
  );
  const first = rig.ask();
  const waiting = rig.send(post);
  waiting.exchange.abort();
  expect(await waiting.outcome).toEqual({
    status: undefined,
    fault: 'unsent connection_terminated',
  });
  while (slow.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  slow.answer();
  expect(await first).toEqual(answered);
  expect(pools.flatMap(({ requests }) => requests)).toHaveLength(1);
});

test('a stop ends all requests, and is no evidence against a server', async () => {
  const pools = await serve(silent, silent);
  const rig = new Rig(
    pools.map(({ url }) => url),
    { maxConnections: 2 },
  );
  const outcomes = Array.from({ length: 5 }, () => rig.ask());
  await rig.stop();
  for (const { fault } of await Promise.all(outcomes)) expect(fault).toBeDefined();
  expect(rig.log).toEqual([]);
});

test('a request after the stop fails, and reaches no server that had no request before', async () => {
  const pools = await serve(ok, ok);
  const rig = new Rig(pools.map(({ url }) => url));
  expect(await rig.ask()).toEqual(answered);
  await rig.stop();
  expect((await rig.ask()).fault).toMatch(/^unsent /);
  expect(pools.flatMap(({ requests }) => requests)).toHaveLength(1);
});
