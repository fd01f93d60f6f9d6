/** The bounds of concurrent requests. The engine's dispatcher and the shadow use the same bounds. */
import type { Policy } from '../policy.ts';

/** The share of all connections that unbatched calls of one user may use. Batches need few. */
const unbatchedShare = 0.25;
/** The share in mode `off`, where no call is batched. */
const unbatchedShareIfOff = 0.5;

export interface DispatchLimits {
  /** Batches of one user. */
  readonly perUser: number;
  /** Unbatched requests of one user. */
  readonly unbatchedPerUser: number;
  /** All requests. */
  readonly process: number;
}

interface Bounds {
  readonly policy: Pick<Policy, 'mode'>;
  readonly maxInFlightPerUser: number;
  readonly maxConnections: number;
}

export function dispatchLimits(bounds: Bounds): DispatchLimits {
  const { policy, maxInFlightPerUser, maxConnections } = bounds;
  const share = policy.mode === 'off' ? unbatchedShareIfOff : unbatchedShare;
  // A request that hangs must not block all others of its user.
  const unbatchedPerUser = Math.max(maxInFlightPerUser, Math.floor(maxConnections * share));
  return { perUser: maxInFlightPerUser, unbatchedPerUser, process: maxConnections };
}

/**
 * Whether a user may exceed its slots: even if it then takes all its slots again, half of the connections
 * stay free for others.
 *
 * @param out requests of the user that are outstanding
 */
export function leavesRoom({ perUser, process }: DispatchLimits, out: number): boolean {
  return (out + perUser) * 2 <= process;
}

interface Held {
  batches: number;
  unbatched: number;
  /** Requests for a slot that are not granted yet, one of each kind at most. */
  readonly asked: { batch: boolean; unbatched: boolean };
  /** Those of them that wait for a slot of their user. */
  readonly waiting: { batch: boolean; unbatched: boolean };
}

/**
 * Dispatch slots without promises, for a simulation in one turn. They grant as the engine's dispatcher does:
 * up to the limits of each user, and up to the number of connections of all users.
 */
export class DispatchSlots<User extends object> {
  readonly #limits: DispatchLimits;
  readonly #users = new WeakMap<User, Held>();
  #requests: Array<{ readonly user: User; readonly unbatched: boolean }> = [];
  #taken = 0;

  constructor(limits: DispatchLimits) {
    this.#limits = limits;
  }

  request(user: User, unbatched: boolean): void {
    const { asked } = this.#of(user);
    const kind = unbatched ? 'unbatched' : 'batch';
    if (asked[kind]) return;
    asked[kind] = true;
    this.#requests.push({ user, unbatched });
  }

  /** Takes the slot of the next request that can be granted, and returns the request. */
  grant(): { readonly user: User; readonly unbatched: boolean } | undefined {
    const { perUser, unbatchedPerUser, process } = this.#limits;
    while (this.#taken < process) {
      const request = this.#requests.shift();
      if (request === undefined) return undefined;
      const { user, unbatched } = request;
      const held = this.#of(user);
      const kind = unbatched ? 'unbatched' : 'batch';
      if (unbatched ? held.unbatched >= unbatchedPerUser : held.batches >= perUser) {
        held.waiting[kind] = true;
        continue;
      }
      held.asked[kind] = false;
      if (unbatched) held.unbatched += 1;
      else held.batches += 1;
      this.#taken += 1;
      return request;
    }
    return undefined;
  }

  /**
   * Releases a slot because the request has ended, or no call was sent.
   *
   * @param isFreed whether `free` has returned the slot of the user already
   */
  release(user: User, unbatched: boolean, isFreed: boolean): void {
    this.#taken -= 1;
    if (!isFreed) this.#giveBack(user, unbatched);
  }

  /**
   * Frees the slot of a batch that takes long, if half of the connections stay free. Others of its user may
   * be sent.
   */
  free(user: User): boolean {
    const { batches, unbatched } = this.#of(user);
    if (!leavesRoom(this.#limits, batches + unbatched)) return false;
    this.#giveBack(user, false);
    return true;
  }

  #giveBack(user: User, unbatched: boolean): void {
    const held = this.#of(user);
    const kind = unbatched ? 'unbatched' : 'batch';
    if (unbatched) held.unbatched -= 1;
    else held.batches -= 1;
    if (!held.waiting[kind]) return;
    held.waiting[kind] = false;
    this.#requests.push({ user, unbatched });
  }

  #of(user: User): Held {
    let held = this.#users.get(user);
    if (held === undefined) {
      const nothing = () => ({ batch: false, unbatched: false });
      held = { batches: 0, unbatched: 0, asked: nothing(), waiting: nothing() };
      this.#users.set(user, held);
    }
    return held;
  }
}
