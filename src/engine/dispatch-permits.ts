/**
 * The dispatcher grants permits to send one request each. Each user has slots for batches, and other slots for
 * unbatched calls (slow routes, retries). Operations are urgent, and need no slot. At most one permit of each
 * kind waits for a slot of its user, so no queue is needed there. A permit also needs a connection. If none is
 * free, the permit waits in a p-queue, where the first urgent permit of a user (an operation) goes before all
 * others. A job in this queue is a permit, not a batch: the coalescer chooses the calls when the permit is
 * granted.
 */
import PQueue from 'p-queue';
import { type DispatchLimits, leavesRoom } from '../core/schedule/dispatch/dispatch-slots.ts';

export interface Permit {
  /**
   * Frees the slot of a batch if enough connections stay free for other users (`leavesRoom`). Does nothing for
   * unbatched calls. The connection remains taken.
   */
  freeSlot(): void;
  /** Releases the permit after the end of the request. Further calls do nothing. */
  release(): void;
}

export type Granted<User> = (user: User, unbatched: boolean, permit: Permit) => void;

type Kind = 'batch' | 'unbatched' | 'urgent';

/** The slots of one kind that a user has. */
interface Share {
  /** Whether a permit was asked for and not granted yet. A second one would find no other calls. */
  asked: boolean;
  /** Whether that permit waits for a slot of the user. */
  waits: boolean;
  /** Slots that are taken, including those of permits that wait for a connection. */
  taken: number;
}

interface Shares extends Record<Kind, Share> {
  /** Requests in flight, and the unbatched ones among them. */
  out: number;
  outUnbatched: number;
}

const soon = Promise.resolve();

const ownLimits = ({
  perUser,
  unbatchedPerUser,
}: DispatchLimits): Readonly<Record<Kind, number>> => ({
  batch: perUser,
  unbatched: unbatchedPerUser,
  urgent: Infinity,
});

const newShare = (): Share => ({ asked: false, waits: false, taken: 0 });

export class DispatchPermits<User extends object> {
  #limits: DispatchLimits;
  #own: Readonly<Record<Kind, number>>;
  /** Permits that wait for a connection, and permits that got one after a wait. */
  readonly #waiting: PQueue;
  /** Connections of permits that found one free. */
  #takenAtOnce = 0;
  readonly #shares = new WeakMap<User, Shares>();
  readonly #granted: Granted<User>;

  constructor(limits: DispatchLimits, granted: Granted<User>) {
    this.#limits = limits;
    this.#own = ownLimits(limits);
    this.#waiting = new PQueue({ concurrency: limits.process });
    this.#granted = granted;
  }

  /**
   * Replaces the limits of each user. A user with more slots than a new limit keeps them until its requests end.
   * Permits that wait for a slot get one when a request of their user ends.
   */
  limitUsers(limits: Omit<DispatchLimits, 'process'>): void {
    this.#limits = { ...limits, process: this.#limits.process };
    this.#own = ownLimits(this.#limits);
  }

  /**
   * Asks for a permit to send one request. After it is granted, the coalescer asks again if more calls can be
   * sent.
   *
   * @param urgent whether the permit goes before all others; only for unbatched calls
   */
  request(user: User, unbatched: boolean, urgent: boolean): void {
    const kind = !unbatched ? 'batch' : urgent ? 'urgent' : 'unbatched';
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
        // Release in a microtask, as p-queue does, so that permits of this turn get the connection by priority.
        void soon.then(() => {
          this.#takenAtOnce -= 1;
          if (this.#waiting.size > 0) this.#fit();
        });
      });
      return;
    }
    this.#fit();
    // Only the first request of a user goes first. Many requests of one user would block all others.
    const priority = kind === 'urgent' && shares.outUnbatched === 0 ? 1 : 0;
    const job = (): Promise<void> =>
      new Promise((resolve) => this.#grant(user, shares, kind, resolve));
    void this.#waiting.add(job, { priority });
  }

  /** Gives the waiting permits all connections that were not taken at once. */
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
    const unbatched = kind === 'batch' ? 0 : 1;
    shares.out += 1;
    shares.outUnbatched += unbatched;
    let isOut = true;
    let isTaken = true;
    const free = (): void => {
      if (!isTaken) return;
      isTaken = false;
      this.#free(user, shares, kind);
    };
    this.#granted(user, unbatched === 1, {
      freeSlot: () => {
        if (kind === 'batch' && leavesRoom(this.#limits, shares.out)) free();
      },
      release: () => {
        if (!isOut) return;
        isOut = false;
        shares.out -= 1;
        shares.outUnbatched -= unbatched;
        giveBack();
        free();
      },
    });
  }

  #free(user: User, shares: Shares, kind: Kind): void {
    const share = shares[kind];
    share.taken -= 1;
    if (!share.waits || share.taken >= this.#own[kind]) return;
    share.waits = false;
    this.#connect(user, shares, kind);
  }

  #sharesOf(user: User): Shares {
    let shares = this.#shares.get(user);
    if (shares === undefined) {
      shares = {
        batch: newShare(),
        unbatched: newShare(),
        urgent: newShare(),
        out: 0,
        outUnbatched: 0,
      };
      this.#shares.set(user, shares);
    }
    return shares;
  }
}
