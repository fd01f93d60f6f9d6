/** Clients that send far too much harm no others: many with bad tokens, or one user. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  call,
  connectMany,
  countByStatus,
  keepAsking,
  type Round,
  slowdown,
  timed,
  type Timed,
} from '../support/crowd.ts';
import { Program } from '../support/program.ts';
import { startProxyProcess } from '../support/proxy-process.ts';
import type { RawClient } from '../support/raw-client.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const goodUsers = 20;
const burstCalls = 40;
const goodCall = (user: number, n: number): string =>
  call(`cwt=sim-u${user}`, `me/note?n=${n}`, '', `u${user}`);

const succeeded = (answers: readonly Timed[]): number =>
  answers.filter(({ status }) => status === 200).length / answers.length;

interface Seen {
  /** Calls of the good users. */
  readonly rounds: Round[];
  readonly flood: Timed[];
}

const rounds = 4;
const goodPauseMs = 40;
const calmMs = 2000;

/** @param floodOnce sends a share of the flood */
async function alternate(
  good: readonly RawClient[],
  call: (user: number, n: number) => string,
  floodOnce: () => Promise<Timed[]>,
): Promise<Seen> {
  const seen: Seen = { rounds: [], flood: [] };
  for (let round = 0; round < rounds; round += 1) {
    const untilMs = performance.now() + calmMs;
    const isCalm = (): boolean => performance.now() < untilMs;
    const calm = await keepAsking(good, call, isCalm, goodPauseMs);
    let goesOn = true;
    const asking = keepAsking(good, call, () => goesOn, goodPauseMs);
    seen.flood.push(...(await floodOnce()));
    goesOn = false;
    seen.rounds.push({ calm, beside: await asking });
  }
  return seen;
}

test('a flood of 100,000 junk tokens costs good users no answer, no speed and none of their learned limits', async () => {
  const flood = 100_000;
  const pool = await program.start(/pool at (\S+)/, [
    ...['simulate', '--listen', '127.0.0.1:0', '--latency', '5', '--limit', '10'],
  ]);
  const proxy = await startProxyProcess(program, pool.match[1] ?? '');
  const metric = async (name: string): Promise<number> =>
    (await proxy.metrics()).get(`ucwa_proxy_${name}`) ?? NaN;
  /**
   * Returns the number of calls that the pool refuses when each good user in turn sends several
   * calls at once.
   */
  const burst = async (): Promise<number> => {
    const before = await metric('requeued_calls_total{reason="refused"}');
    const clients = await connectMany(proxy.port, goodUsers * burstCalls);
    const asked = clients.map((client, i) =>
      timed(client, goodCall(Math.floor(i / burstCalls), i)),
    );
    expect(countByStatus(await Promise.all(asked))).toEqual({ 200: asked.length });
    for (const client of clients) client.leave();
    return (await metric('requeued_calls_total{reason="refused"}')) - before;
  };
  const refusedAtFirst = await burst();
  expect(refusedAtFirst).toBeGreaterThan(goodUsers * 10);
  const learnt = await metric('learned_limit_count');

  const junk = await connectMany(proxy.port, 10);
  const good = await connectMany(proxy.port, goodUsers);
  let sent = 0;
  const seen = await alternate(good, goodCall, () => {
    const most = sent + flood / rounds;
    const nextJunk = (): string => {
      sent += 1;
      return call(`cwt=junk-${sent}`, 'me');
    };
    return keepAsking(junk, nextJunk, () => sent < most);
  });
  expect(countByStatus(seen.flood)).toEqual({ 401: flood });
  expect(succeeded(seen.rounds.flatMap(({ beside }) => beside))).toBeGreaterThanOrEqual(0.999);
  expect(slowdown(seen.rounds)).toBeLessThanOrEqual(3);
  // No limit changed, and the proxy still knows each user's limit.
  expect(await metric('learned_limit_count')).toBe(learnt);
  expect(await burst()).toBeLessThan(refusedAtFirst);
  expect(await metric('users{state="active"}')).toBeLessThanOrEqual(goodUsers);
});

test("one user's 10,000 calls, 500 at a time, do not slow down the answers of other users", async () => {
  const flood = 10_000;
  // The latency is high enough that the pool's limit slows the greedy user, not the processor.
  const pool = await program.start(/pool at (\S+)/, [
    ...['simulate', '--listen', '127.0.0.1:0', '--latency', '100'],
  ]);
  const proxy = await startProxyProcess(program, pool.match[1] ?? '');
  const crowd = await connectMany(proxy.port, 500);
  const good = await connectMany(proxy.port, goodUsers);
  let sent = 0;
  const seen = await alternate(good, goodCall, () => {
    const most = sent + flood / rounds;
    const ofOne = (): string => {
      sent += 1;
      return call('cwt=sim-greedy', `me/note?n=${sent}`, '', 'greedy');
    };
    return keepAsking(crowd, ofOne, () => sent < most);
  });
  expect(countByStatus(seen.flood)).toEqual({ 200: flood });
  expect(succeeded(seen.rounds.flatMap(({ beside }) => beside))).toBe(1);
  expect(slowdown(seen.rounds)).toBeLessThanOrEqual(2);
});
