/**
 * Departures: permissions to send one request, granted by p-queue, the only folder that imports it.
 * One queue a user bounds what he has on the wire, one for the process stands in front of the
 * connections. A job is a permit, never a batch: who leaves is decided when it runs.
 */
import PQueue from 'p-queue';

export class Departures<User extends object> {
  readonly #perUser: number;
  readonly #process: PQueue;
  readonly #users = new WeakMap<User, PQueue>();
  readonly #granted: (user: User, release: () => void) => void;

  /** `granted` is called once for each request, with how to give the permit back. */
  constructor(
    limits: { readonly perUser: number; readonly process: number },
    granted: (user: User, release: () => void) => void,
  ) {
    this.#perUser = limits.perUser;
    this.#process = new PQueue({ concurrency: limits.process });
    this.#granted = granted;
  }

  request(user: User): void {
    let queue = this.#users.get(user);
    if (queue === undefined) {
      queue = new PQueue({ concurrency: this.#perUser });
      this.#users.set(user, queue);
    }
    void queue.add(() => this.#process.add(() => this.#hold(user)));
  }

  #hold(user: User): Promise<void> {
    return new Promise((release) => this.#granted(user, release));
  }
}
