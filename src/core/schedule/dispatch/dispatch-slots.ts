/** How many requests may be out at a time: what the engine's departures and the shadow's both keep. */
import type { Policy } from '../policy.ts';

/** Of all connections, what goes solo of one user takes so many at most; of batches there are few. */
const soloShare = 0.25;
/** Where nothing goes in batches. */
const onlySoloShare = 0.5;

export interface DepartureLimits {
  /** Batches of one user. */
  readonly perUser: number;
  /** Solo requests of one user. */
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
  // One that hangs must not keep all the others of its user.
  const soloPerUser = Math.max(maxInFlightPerUser, Math.floor(maxConnections * share));
  return { perUser: maxInFlightPerUser, soloPerUser, process: maxConnections };
}

/** Whether there is as much for all others as for a user of whom so many are out, should he fill his departures again. */
export function leavesRoom({ perUser, process }: DepartureLimits, out: number): boolean {
  return (out + perUser) * 2 <= process;
}

interface Held {
  batches: number;
  solos: number;
  /** Wishes that were uttered and not granted yet: a second one would find nobody else. */
  readonly asked: { batch: boolean; solo: boolean };
  /** Of these, those that wait for a place of their user. */
  readonly parked: { batch: boolean; solo: boolean };
}

/**
 * Departures without promises: as many requests of one user on the wire as he may have, and of all
 * users as there are connections. What the engine's departures do, in one turn.
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

  /** The next wish that can be granted; its place is taken. */
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

  /** The request is over, or nobody left. @param isFreed its user has his place back already */
  release(user: User, solo: boolean, isFreed: boolean): void {
    this.#taken -= 1;
    if (!isFreed) this.#giveBack(user, solo);
  }

  /** A batch takes long: others of its user may leave in its place, while there is room for all. */
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
