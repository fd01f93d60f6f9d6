/**
 * Plays the same calls against the same virtual pool twice: batched, and as single requests with
 * the shadow.
 */
import type { Policy } from '../../src/core/schedule/policy.ts';
import { Shadow } from '../../src/core/shadow/shadow.ts';
import type { ShadowCall } from '../../src/core/shadow/state.ts';
import { defaults, LimitedPool, type LimitedPoolPlan, type Tally } from './limited-pool.ts';
import { arrivalOf, type Client } from './played-call.ts';
import type { Outcome } from '../../src/core/shadow/outcome.ts';

/** Schedules the first calls. Clients may ask again when they get an answer. */
export type Traffic = (
  pool: LimitedPool,
  ask: (user: string, path: string, done?: Client['done']) => void,
) => void;

/** Reports of the shadow. */
export interface Would {
  requests: number;
  newCalls: number;
  readonly parts: number[];
  readonly addedMs: number[];
  refused: number;
  failed: number;
}

const slotsPerUser = 4;
const connections = 128;

export function playBatched(
  traffic: Traffic,
  plan: LimitedPoolPlan,
  changes: Partial<Policy>,
  endMs: number,
): Tally {
  const pool = new LimitedPool(plan, changes);
  traffic(pool, (user, path, done) => void pool.ask(user, done, { path }));
  return pool.until(endMs);
}

/** Sends single requests. The shadow is told of each call what the engine would report. */
export function playSingly(
  traffic: Traffic,
  plan: LimitedPoolPlan,
  changes: Partial<Policy>,
  endMs: number,
): { readonly tally: Tally; readonly would: Would } {
  const would: Would = { requests: 0, newCalls: 0, parts: [], addedMs: [], refused: 0, failed: 0 };
  const followed = new Map<Client, ShadowCall>();
  const options = {
    policy: { ...defaults, ...changes },
    maxInFlightPerUser: slotsPerUser,
    maxConnections: connections,
  };
  const memory = { size: 0, take: () => undefined, keep: () => undefined };
  const shadow = new Shadow(
    options,
    {
      requestSent(newCalls, parts) {
        would.requests += 1;
        would.newCalls += newCalls;
        would.parts.push(parts);
      },
      answered: (addedMs) => void would.addedMs.push(addedMs),
      refused: () => (would.refused += 1),
      failed: () => (would.failed += 1),
    },
    memory,
    () => 0.5,
  );
  let alarmAtMs = Infinity;
  const setAlarm = (): void => {
    const atMs = Math.min(shadow.wakeAtMs, shadow.endsAtMs);
    if (atMs >= alarmAtMs) return;
    alarmAtMs = atMs;
    pool.after(Math.max(0, atMs - pool.nowMs), () => {
      if (alarmAtMs > pool.nowMs) return;
      alarmAtMs = Infinity;
      shadow.wake(pool.nowMs);
      setAlarm();
    });
  };
  const pool = new LimitedPool(
    {
      ...plan,
      watch: {
        left: () => undefined,
        ended({ calls, sentAtMs, outstanding }, refused) {
          const ended = { tookMs: pool.nowMs - sentAtMs, outstanding };
          const fault = { phase: 'unsent', name: 'destination_unavailable' } as const;
          const outcome: Outcome = refused
            ? { ...ended, cause: 'refused', fault }
            : { ...ended, status: 200 };
          for (const { caller: ticket, stage } of calls) {
            const call = followed.get(ticket);
            if (call === undefined) continue;
            shadow.outcome(call, outcome, pool.nowMs);
            if (stage === 'done') shadow.realEnded(call, pool.nowMs);
          }
          setAlarm();
        },
      },
    },
    { ...changes, mode: 'off' },
  );
  traffic(pool, (user, path, done) => {
    const call = shadow.arrives(arrivalOf(user, { path }), pool.nowMs);
    const ticket = pool.ask(user, done, { path });
    followed.set(ticket, call);
    setAlarm();
  });
  const tally = pool.until(endMs);
  return { tally, would };
}
