/** The bounds of concurrent requests. The engine's dispatcher and the shadow use the same bounds. */
import type { Policy } from '../policy.ts';

/** The share of all connections that unbatched calls of one user may use. Batches need few. */
const soloShare = 0.25;
/** The share in mode `off`, where no call is batched. */
const onlySoloShare = 0.5;

export interface DepartureLimits {
  /** Batches of one user. */
  readonly perUser: number;
  /** Unbatched requests of one user. */
  readonly soloPerUser: number;
  /** All requests. */
  readonly process: number;
}

interface Bounds {
  readonly policy: Pick<Policy, 'mode'>;
  readonly maxInFlightPerUser: number;
  readonly maxConnections: number;
}

export function departureLimits(bounds: Bounds): DepartureLimits {
  const { policy, maxInFlightPerUser, maxConnections } = bounds;
  const share = policy.mode === 'off' ? onlySoloShare : soloShare;
  // A request that hangs must not block all others of its user.
  const soloPerUser = Math.max(maxInFlightPerUser, Math.floor(maxConnections * share));
  return { perUser: maxInFlightPerUser, soloPerUser, process: maxConnections };
}

/**
 * Whether a user may exceed its slots: even if it then takes all its slots again, half of the connections
 * stay free for others.
 *
 * @param out requests of the user that are outstanding
 */
export function leavesRoom({ perUser, process }: DepartureLimits, out: number): boolean {
  return (out + perUser) * 2 <= process;
}

interface Held {
  batches: number;
  solos: number;
  /** Requests for a slot that are not granted yet, one of each kind at most. */
  readonly asked: { batch: boolean; solo: boolean };
  /** Those of them that wait for a slot of their user. */
  readonly parked: { batch: boolean; solo: boolean };
}

/**
 * Dispatch slots without promises, for a simulation in one turn. They grant as the engine's dispatcher does:
 * up to the limits of each user, and up to the number of connections of all users.
 */
export class Places<User extends object> {
  readonly #limits: DepartureLimits;
  readonly #users = new WeakMap<User, Held>();
  #wishes: Array<{ readonly user: User; readonly solo: boolean }> = [];
  #taken = 0;

  constructor(limits: DepartureLimits) {
    this.#limits = limits;
  }

  ask(user: User, solo: boolean): void {
    const { asked } = this.#of(user);
    const kind = solo ? 'solo' : 'batch';
    if (asked[kind]) return;
    asked[kind] = true;
    this.#wishes.push({ user, solo });
  }

  /** Takes the slot of the next request that can be granted, and returns the request. */
  grant(): { readonly user: User; readonly solo: boolean } | undefined {
    const { perUser, soloPerUser, process } = this.#limits;
    while (this.#taken < process) {
      const wish = this.#wishes.shift();
      if (wish === undefined) return undefined;
      const { user, solo } = wish;
      const held = this.#of(user);
      const kind = solo ? 'solo' : 'batch';
      if (solo ? held.solos >= soloPerUser : held.batches >= perUser) {
        held.parked[kind] = true;
        continue;
      }
      held.asked[kind] = false;
      if (solo) held.solos += 1;
      else held.batches += 1;
      this.#taken += 1;
      return wish;
    }
    return undefined;
  }

  /**
   * Releases a slot because the request has ended, or no call was sent.
   *
   * @param isFreed whether `free` has returned the slot of the user already
   */
  release(user: User, solo: boolean, isFreed: boolean): void {
    this.#taken -= 1;
    if (!isFreed) this.#giveBack(user, solo);
  }

  /**
   * Frees the slot of a batch that takes long, if half of the connections stay free. Others of its user may
   * be sent.
   */
  free(user: User): boolean {
    const { batches, solos } = this.#of(user);
    if (!leavesRoom(this.#limits, batches + solos)) return false;
    this.#giveBack(user, false);
    return true;
  }

  #giveBack(user: User, solo: boolean): void {
    const held = this.#of(user);
    const kind = solo ? 'solo' : 'batch';
    if (solo) held.solos -= 1;
    else held.batches -= 1;
    if (!held.parked[kind]) return;
    held.parked[kind] = false;
    this.#wishes.push({ user, solo });
  }

  #of(user: User): Held {
    let held = this.#users.get(user);
    if (held === undefined) {
      const nothing = () => ({ batch: false, solo: false });
      held = { batches: 0, solos: 0, asked: nothing(), parked: nothing() };
      this.#users.set(user, held);
    }
    return held;
  }
}
