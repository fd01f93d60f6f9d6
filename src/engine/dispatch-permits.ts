/**
 * Departures: permissions to send one request. Each user has so many departures of his own, for batches
 * and for what goes solo (slow routes, repeats): one request of a kind waits for them at most, so
 * counting does for a queue. Who has one takes a free connection at once; if there is none he stands in
 * a queue of p-queue, the only folder that imports it, where a user's first operation goes before all
 * others. A job is a permit, never a batch: who leaves is decided when it runs.
 */
import PQueue from 'p-queue';
import { type DepartureLimits, leavesRoom } from '../core/schedule/dispatch/dispatch-slots.ts';

export interface Permit {
  /**
   * From now on it does not count among those of its user, unless he has half of all connections:
   * its own is still taken.
   */
  freeSlot(): void;
  /** Gives it back, once the request is over; a second time it does nothing. */
  release(): void;
}

export type Granted<User> = (user: User, solo: boolean, permit: Permit) => void;

type Kind = 'batch' | 'solo' | 'urgent';

/** What one user has of a kind. */
interface Share {
  /** Whether a request is not granted yet: a second one would find nobody else. */
  asked: boolean;
  /** Whether that one waits for a departure of the user's own. */
  waits: boolean;
  /** Departures of his own that are taken, or that stand in the queue for a connection. */
  taken: number;
}

interface Shares extends Record<Kind, Share> {
  /** Requests that are out, and those of them that went solo. */
  out: number;
  outSolo: number;
}

const soon = Promise.resolve();

const newShare = (): Share => ({ asked: false, waits: false, taken: 0 });

export class Departures<User extends object> {
  readonly #limits: DepartureLimits;
  readonly #own: Readonly<Record<Kind, number>>;
  /** Who waits for a connection, and who has one for which he waited. */
  readonly #waiting: PQueue;
  /** Connections taken by those who found them free. */
  #takenAtOnce = 0;
  readonly #shares = new WeakMap<User, Shares>();
  readonly #granted: Granted<User>;

  constructor(limits: DepartureLimits, granted: Granted<User>) {
    this.#limits = limits;
    this.#own = { batch: limits.perUser, solo: limits.soloPerUser, urgent: Infinity };
    this.#waiting = new PQueue({ concurrency: limits.process });
    this.#granted = granted;
  }

  /**
   * One request at a time: whoever is granted it asks again if more of the user may leave.
   * `urgent`: before everything else, of a solo request only.
   */
  request(user: User, solo: boolean, urgent: boolean): void {
    const kind = !solo ? 'batch' : urgent ? 'urgent' : 'solo';
    const shares = this.#sharesOf(user);
    const share = shares[kind];
    if (share.asked) return;
    share.asked = true;
    share.waits = share.taken >= this.#own[kind];
    if (!share.waits) this.#connect(user, shares, kind);
  }

  #connect(user: User, shares: Shares, kind: Kind): void {
    shares[kind].taken += 1;
    const taken = this.#takenAtOnce + this.#waiting.pending;
    if (this.#waiting.size === 0 && taken < this.#limits.process) {
      this.#takenAtOnce += 1;
      this.#grant(user, shares, kind, () => {
        // Like p-queue: what happens in the same turn has an equal chance of it, by its priority.
        void soon.then(() => {
          this.#takenAtOnce -= 1;
          if (this.#waiting.size > 0) this.#fit();
        });
      });
      return;
    }
    this.#fit();
    // Only a user's first goes before everything else: many of one would keep the others out.
    const priority = kind === 'urgent' && shares.outSolo === 0 ? 1 : 0;
    const job = (): Promise<void> =>
      new Promise((resolve) => this.#grant(user, shares, kind, resolve));
    void this.#waiting.add(job, { priority });
  }

  /** Lets those who wait have all connections that were not taken at once. */
  #fit(): void {
    const left = this.#limits.process - this.#takenAtOnce;
    if (left < 1) {
      this.#waiting.pause();
      return;
    }
    this.#waiting.concurrency = left;
    this.#waiting.start();
  }

  #grant(user: User, shares: Shares, kind: Kind, giveBack: () => void): void {
    shares[kind].asked = false;
    const solo = kind === 'batch' ? 0 : 1;
    shares.out += 1;
    shares.outSolo += solo;
    let isOut = true;
    let isTaken = true;
    const free = (): void => {
      if (!isTaken) return;
      isTaken = false;
      this.#free(user, shares, kind);
    };
    this.#granted(user, solo === 1, {
      freeSlot: () => {
        if (kind === 'batch' && leavesRoom(this.#limits, shares.out)) free();
      },
      release: () => {
        if (!isOut) return;
        isOut = false;
        shares.out -= 1;
        shares.outSolo -= solo;
        giveBack();
        free();
      },
    });
  }

  #free(user: User, shares: Shares, kind: Kind): void {
    const share = shares[kind];
    share.taken -= 1;
    if (!share.waits) return;
    share.waits = false;
    this.#connect(user, shares, kind);
  }

  #sharesOf(user: User): Shares {
    let shares = this.#shares.get(user);
    if (shares === undefined) {
      shares = { batch: newShare(), solo: newShare(), urgent: newShare(), out: 0, outSolo: 0 };
      this.#shares.set(user, shares);
    }
    return shares;
  }
}
