/**
 * Departures: permissions to send one request, granted by p-queue, the only folder that imports it.
 * One queue a user bounds the batches that he has on the wire, a second one what goes solo (slow
 * routes, repeats); one for the process stands in front of the connections. Operations wait only
 * there, before everything else. A job is a permit, never a batch: who leaves is decided when it runs.
 */
import PQueue from 'p-queue';
import { type DepartureLimits, leavesRoom } from '../core/schedule/departure-limits.ts';

export interface Permit {
  /**
   * From now on it does not count among those of its user, unless he has half of all connections:
   * its own is still taken.
   */
  freeSlot(): void;
  /** Gives it back, once the request is over. */
  release(): void;
}

export type Granted<User> = (user: User, solo: boolean, permit: Permit) => void;

export class Departures<User extends object> {
  readonly #limits: DepartureLimits;
  readonly #process: PQueue;
  readonly #users = { batch: new WeakMap<User, PQueue>(), solo: new WeakMap<User, PQueue>() };
  readonly #granted: Granted<User>;
  /** Requests of a user that are out, and those of them that went solo. */
  readonly #out = new WeakMap<User, { all: number; solo: number }>();
  /** Users with a request that is not granted yet: a second one would find nobody else. */
  readonly #asked = {
    batch: new WeakSet<User>(),
    solo: new WeakSet<User>(),
    urgent: new WeakSet<User>(),
  };

  constructor(limits: DepartureLimits, granted: Granted<User>) {
    this.#limits = limits;
    this.#process = new PQueue({ concurrency: limits.process });
    this.#granted = granted;
  }

  /**
   * One request at a time: whoever is granted it asks again if more of the user may leave.
   * `urgent`: before everything else, of a solo request only.
   */
  request(user: User, solo: boolean, urgent: boolean): void {
    const kind = !solo ? 'batch' : urgent ? 'urgent' : 'solo';
    const asked = this.#asked[kind];
    if (asked.has(user)) return;
    asked.add(user);
    if (kind === 'urgent') {
      // Only a user's first goes before everything else: many of one would keep the others out.
      const priority = (this.#out.get(user)?.solo ?? 0) === 0 ? 1 : 0;
      void this.#process.add(() => this.#hold(user, kind, () => undefined), { priority });
      return;
    }
    void this.#queueOf(user, kind).add(
      () =>
        new Promise<void>((freeSlot) => {
          void this.#process.add(() => this.#hold(user, kind, freeSlot));
        }),
    );
  }

  #queueOf(user: User, kind: 'batch' | 'solo'): PQueue {
    const queues = this.#users[kind];
    let queue = queues.get(user);
    if (queue === undefined) {
      const { perUser, soloPerUser } = this.#limits;
      queue = new PQueue({ concurrency: kind === 'batch' ? perUser : soloPerUser });
      queues.set(user, queue);
    }
    return queue;
  }

  #hold(user: User, kind: 'batch' | 'solo' | 'urgent', freeSlot: () => void): Promise<void> {
    this.#asked[kind].delete(user);
    const solo = kind !== 'batch';
    return new Promise((resolve) => {
      this.#count(user, solo, 1);
      this.#granted(user, solo, {
        freeSlot: () => {
          if (!solo && leavesRoom(this.#limits, this.#out.get(user)?.all ?? 0)) freeSlot();
        },
        release: () => {
          this.#count(user, solo, -1);
          freeSlot();
          resolve();
        },
      });
    });
  }

  #count(user: User, solo: boolean, change: 1 | -1): void {
    const out = this.#out.get(user) ?? { all: 0, solo: 0 };
    out.all += change;
    if (solo) out.solo += change;
    this.#out.set(user, out);
  }
}
