/**
 * The proxy stops a request that would break a promise at the last moment, counts it, and answers
 * 500.
 */
import { describe, expect, test } from '@jest/globals';
import type { Call } from '../../src/core/schedule/state.ts';
import type { Caller } from '../../src/engine/caller.ts';
import type { CallTracer } from '../../src/trace/call-tracer.ts';
import { startDoctoredProxy, type Tampering } from '../support/doctored-proxy.ts';
import { askEach, readCalls, writeCalls } from '../support/nonce-calls.ts';
import { startPool } from '../support/pool.ts';
import { aKey } from '../support/recording-sink.ts';
import { RawClient } from '../support/raw-client.ts';
import { app, notes, UcwaClient, type Answer } from '../support/ucwa-client.ts';

async function start(tampering: Tampering) {
  const pool = await startPool();
  const proxy = await startDoctoredProxy(pool.url, tampering);
  return { pool, proxy, client: new UcwaClient(proxy.url) };
}

/**
 * Changes a call without the knowledge of the scheduler, after the scheduler has accepted the call.
 */
const withCall =
  (n: number, change: Partial<Call<Caller>>): NonNullable<Tampering['submit']> =>
  (submit) =>
  (arrival) => {
    const call = submit(arrival);
    if (typeof call !== 'string' && call.target.endsWith(`n=${n}`)) Object.assign(call, change);
    return call;
  };
const withFirst = (change: Partial<Call<Caller>>) => withCall(1, change);

const said = ({ status, text }: Answer): string =>
  `${status} ${(JSON.parse(text) as { executed: string }).executed}`;

describe('a batch is not sent, and its callers get 500, executed: no,', () => {
  const bens = ['Host', 'x', 'Authorization', 'Bearer cwt=sim-ben'];
  test.each<[string, string, Tampering]>([
    [
      'one of its calls came with another token',
      'one_key',
      { submit: withFirst({ headers: bens }) },
    ],
    [
      'the second of its calls came with another token',
      'one_key',
      { submit: withCall(2, { headers: bens }) },
    ],
    [
      "the second of its calls is another user's",
      'one_key',
      { submit: withCall(2, { headers: bens, key: aKey('Bearer cwt=sim-ben') }) },
    ],
    [
      'one of its targets leads out of the application',
      'inside_application',
      { submit: withFirst({ target: `${app}/../1046/me` }) },
    ],
    [
      'one of its targets is the batch resource',
      'inside_application',
      { submit: withFirst({ target: `${app}/BATCH` }) },
    ],
    [
      'a boundary stands in one of its parts',
      'part_edges',
      { submit: withFirst({ body: Buffer.from('so\r\n--bb\r\nhere') }), nextBoundary: () => 'bb' },
    ],
    [
      'a field of a part breaks its line',
      'part_edges',
      {
        submit: withFirst({
          headers: ['Authorization', 'Bearer cwt=sim-ann', 'X', 'a\r\n\r\n--b'],
        }),
      },
    ],
    ['it has more parts than a batch may have', 'bounded', { policy: { maxParts: 4 } }],
  ])('when %s', async (_what, invariant, tampering) => {
    const { pool, proxy, client } = await start(tampering);
    const answers = await client.askAll(notes(invariant === 'bounded' ? 4 : 3));
    for (const answer of answers) expect(said(answer)).toBe('500 no');
    expect(pool.ledger.requests()).toEqual([]);
    expect(await proxy.violations()).toEqual({ [invariant]: 1 });
  });

  test('and later calls are served', async () => {
    const { pool, proxy, client } = await start({ submit: withFirst({ target: `${app}/batch` }) });
    await client.askAll(notes(3));
    const answers = await client.askAll(notes(5).slice(2));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(pool.stats()).toMatchObject({ requests: 1, parts: 3 });
    expect(await proxy.violations()).toEqual({ inside_application: 1 });
  });
});

describe('an unsafe call is not sent a second time', () => {
  test('if it comes back in any way after an unknown outcome', async () => {
    const { pool, proxy, client } = await start({});
    pool.faults.add({ on: { kind: 'batch' }, fault: { kind: 'reset', at: 'beforeHead' } });
    const answered = await askEach(client, writeCalls(3));
    for (const { answer } of answered) expect(said(answer)).toBe('504 unknown');
    const batch = proxy.calls[0]?.batch;
    if (batch === undefined) throw new Error('nothing was sent');
    proxy.engine.send(batch);
    for (const { nonce } of answered) expect(pool.ledger.executions(nonce)).toHaveLength(1);
    expect(pool.ledger.requests()).toHaveLength(1);
    expect(await proxy.violations()).toEqual({ unsafe_once: 1 });
  });

  test('if the scheduler took it for a GET and its batch is late', async () => {
    const { pool, proxy, client } = await start({
      submit: (submit) => (arrival) => submit({ ...arrival, callClass: 'safe' }),
    });
    pool.faults.add({ on: { kind: 'batch' }, fault: { kind: 'hang' } });
    const answered = await askEach(client, writeCalls(3));
    for (const { answer, nonce } of answered) {
      expect(said(answer)).toMatch(/^50[04] unknown$/);
      expect(pool.ledger.executions(nonce)).toHaveLength(1);
    }
    expect(pool.ledger.requests()).toHaveLength(1);
    expect(await proxy.violations()).toEqual({ unsafe_once: 3 });
  });

  test('control: but it is sent again after a refusal', async () => {
    const { pool, proxy, client } = await start({});
    pool.faults.add({ on: { kind: 'batch' }, fault: { kind: 'status', status: 429 } });
    for (const { answer, nonce } of await askEach(client, writeCalls(3))) {
      expect(answer.headers['x-nonce']).toBe(nonce);
      expect(pool.ledger.executions(nonce)).toHaveLength(1);
    }
    expect(await proxy.violations()).toEqual({});
  });
});

describe('a caller', () => {
  test("gets 500, not its neighbor's answer, when the answers of a batch are shifted", async () => {
    const { proxy, client } = await start({
      onAnswer: ({ calls }) => void (calls as Array<Call<Caller>>).shift(),
    });
    const answered = await askEach(client, readCalls(3));
    const [first, ...others] = answered.map(({ answer }) => said(answer));
    expect(first).toBe('504 unknown');
    expect(others).toEqual(['500 unknown', '500 unknown']);
    expect(await proxy.violations()).toEqual({ one_answer: 2 });
  });

  test('gets one answer, although the engine is given more', async () => {
    const { proxy } = await start({ policy: { mode: 'off' } });
    const client = new RawClient(proxy.port);
    const ask = (path: string): void =>
      client.send(
        `GET ${app}${path} HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer cwt=sim-ann\r\n\r\n`,
      );
    ask('/me/note');
    expect((await client.readAnswer()).body.toString()).toContain('"rel":"note"');
    const [call] = proxy.calls;
    if (call === undefined) throw new Error('nothing was asked');
    const foreign = { status: 200, reason: '', headers: [], body: Buffer.from('foreign') };
    proxy.engine.answer(call, foreign);
    ask('/me/phones');
    expect((await client.readAnswer()).body.toString()).toContain('"rel":"phones"');
    expect(await proxy.violations()).toEqual({ one_answer: 1 });
  });

  test('gets 500 one second after its deadline, if the engine has lost its call', async () => {
    const { proxy, client } = await start({
      submit: (submit) => (arrival) => {
        const call = submit(arrival);
        // The engine drops the call: it has no deadline and no place in a queue any more.
        if (typeof call !== 'string') proxy.engine.cancel(call);
        return call;
      },
      handler: { overdueMs: 0 },
    });
    const forgotten = client.ask(`${app}/me`);
    while (proxy.calls.length === 0) await new Promise(setImmediate);
    proxy.handler.checkWaiting();
    expect(await proxy.violations()).toEqual({});
    proxy.handler.checkWaiting();
    expect(said(await forgotten)).toBe('500 unknown');
    expect(await proxy.violations()).toEqual({ one_answer: 1 });
  });

  test('beyond the cap gets 503 at once, though the engine has lost count', async () => {
    const { pool, proxy, client } = await start({ handler: { maxWaiting: 2 } });
    const held = client.askAll(notes(2));
    while (proxy.calls.length < 2) await new Promise(setImmediate);
    const refused = await client.ask(notes(9)[8]!, { token: 'cwt=sim-ben' });
    expect(said(refused)).toBe('503 no');
    expect(refused.headers['retry-after']).toBe('1');
    expect(await proxy.violations()).toEqual({ bounded: 1 });
    proxy.engine.drain();
    expect((await held).map(({ status }) => status)).toEqual([200, 200]);
    expect(pool.ledger.entries().map(({ target }) => target)).toEqual(notes(2));
  });

  test('gets 500 if its call causes an exception, and others are served', async () => {
    const { proxy, client } = await start({
      policy: { mode: 'off' },
      submit: (submit) => (arrival) => {
        if (arrival.target.endsWith('n=1')) throw new TypeError('a bug');
        return submit(arrival);
      },
    });
    const answers = await client.askAll(notes(2));
    expect(answers.map(({ status }) => status)).toEqual([500, 200]);
    expect(await proxy.violations()).toEqual({ keeps_running: 1 });
  });

  test('gets 500 if its trace causes an exception, and others are served', async () => {
    let begun = 0;
    const begin = (): undefined => {
      begun += 1;
      if (begun === 1) throw new Error('a bug of the traces');
    };
    const tracer = { begin } as unknown as CallTracer;
    const { proxy, client } = await start({ policy: { mode: 'off' }, handler: { tracer } });
    expect(said(await client.ask(`${app}/me`, { token: 'cwt=sim-ann' }))).toMatch(/^500 /);
    expect((await client.ask(`${app}/me`, { token: 'cwt=sim-ann' })).status).toBe(200);
    expect(await proxy.violations()).toEqual({ keeps_running: 1 });
  });

  test('is counted if its pass-through fails by a bug of the proxy', async () => {
    const fault = { phase: 'unknown', name: 'proxy_internal_error' } as const;
    const { proxy, client } = await start({
      pool: {
        passThrough: {
          reserve: () => true,
          forward: (_call, observer) => {
            observer.fail(fault);
            observer.ended({ kind: 'failed', fault, responded: false, error: new Error('a bug') });
            return () => undefined;
          },
        },
      },
    });
    expect((await client.ask(`${app}/events`)).status).toBe(500);
    expect(await proxy.violations()).toEqual({ keeps_running: 1 });
  });
});
