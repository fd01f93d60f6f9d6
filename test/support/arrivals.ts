/**
 * Calls that are sent over real sockets at fixed times, whether or not earlier calls have answers.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fraction } from './fraction.ts';
import type { UcwaClient } from './ucwa-client.ts';

export interface TimedCall {
  readonly atMs: number;
  readonly token: string;
  readonly target: string;
}

const paths = ['me/note', 'me/presence', 'policies', 'communication'];

/**
 * Bursts of calls and some single calls between the bursts. The same arguments give the same calls.
 */
export function someArrivals(users: number, untilMs: number): TimedCall[] {
  const calls: TimedCall[] = [];
  for (let user = 0; user < users; user += 1) {
    const random = (what: string): number => fraction(`${user} ${what}`);
    const add = (atMs: number): void => {
      const path = paths[calls.length % paths.length]!;
      const target = `/ucwa/oauth/v1/applications/${2000 + user}/${path}?n=${calls.length}`;
      calls.push({ atMs, token: `cwt=sim-user${user}`, target });
    };
    for (let atMs = random('start') * 200; atMs < untilMs;) {
      const size = 1 + Math.floor(random(`size ${atMs}`) * 6);
      for (let i = 0; i < size; i += 1) add(atMs + random(`in burst ${atMs} ${i}`) * 6);
      atMs += 150 + random(`pause ${atMs}`) * 350;
    }
  }
  return calls.sort((a, b) => a.atMs - b.atMs);
}

export interface Played {
  readonly statuses: readonly number[];
  /** Latency of each call, in the order of the calls. */
  readonly latenciesMs: readonly number[];
}

/** Sends each call when it is due, without waiting for earlier answers. */
export async function playArrivals(
  client: UcwaClient,
  calls: readonly TimedCall[],
): Promise<Played> {
  const startMs = performance.now();
  const answers: Array<Promise<{ status: number; ms: number }>> = [];
  for (const { atMs, token, target } of calls) {
    const inMs = startMs + atMs - performance.now();
    if (inMs > 1) await delay(inMs);
    const sentAtMs = performance.now();
    answers.push(
      client
        .ask(target, { token })
        .then(({ status }) => ({ status, ms: performance.now() - sentAtMs })),
    );
  }
  const all = await Promise.all(answers);
  return {
    statuses: all.map(({ status }) => status),
    latenciesMs: all.map(({ ms }) => ms),
  };
}
