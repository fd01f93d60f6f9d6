import type { Policy } from '../../src/core/schedule/policy.ts';
import { Shadow } from '../../src/core/shadow/shadow.ts';
import type { ShadowArrival, ShadowCall } from '../../src/core/shadow/state.ts';
import { defaults } from './limited-pool.ts';
import { arrivalOf } from './played-call.ts';

const half = (): number => 0.5;

/** Records everything that the shadow reports. Tests report the calls by hand. */
export class ShadowRecorder {
  readonly shadow: Shadow;
  /** The reports in order: `request 3/3`, `answered +8`, `failed`, `refused`. */
  readonly said: string[] = [];

  constructor(changes: Partial<Policy> = {}, maxInFlightPerUser = 4, maxConnections = 128) {
    this.shadow = new Shadow(
      {
        policy: { ...defaults, mode: 'fixed', lingerMaxMs: 10, ...changes },
        maxInFlightPerUser,
        maxConnections,
      },
      {
        requestSent: (newCalls, parts) => void this.said.push(`request ${newCalls}/${parts}`),
        answered: (addedMs) =>
          void this.said.push(
            `answered ${addedMs < 0 ? '' : '+'}${Math.round(addedMs * 100) / 100}`,
          ),
        failed: () => void this.said.push('failed'),
        refused: () => void this.said.push('refused'),
      },
      { size: 0, take: () => undefined, keep: () => undefined },
      half,
    );
  }

  /** Reports a GET by default. */
  arrives(
    nowMs: number,
    path: string,
    changes: Partial<ShadowArrival> = {},
    user = 'ann',
  ): ShadowCall {
    this.#wake(nowMs);
    return this.shadow.arrives({ ...arrivalOf(user, { path }), ...changes }, nowMs);
  }

  /** Reports the real answer. The shadow takes it for the answer to an immediate request. */
  answered(call: ShadowCall, nowMs: number, status = 200): void {
    this.#wake(nowMs);
    this.shadow.outcome(call, { tookMs: nowMs - call.arrivedAtMs, status }, nowMs);
    this.shadow.realEnded(call, nowMs);
  }

  /** Runs everything that is due by `nowMs`, and returns the new reports. */
  until(nowMs: number): string[] {
    this.#wake(nowMs);
    return this.said.splice(0);
  }

  /** Wakes the shadow as timers would. */
  #wake(nowMs: number): void {
    for (;;) {
      const nextMs = Math.min(this.shadow.wakeAtMs, this.shadow.endsAtMs);
      if (nextMs > nowMs) break;
      this.shadow.wake(Math.max(nextMs, 0));
    }
    this.shadow.wake(nowMs);
  }
}
