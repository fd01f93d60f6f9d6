/**
 * Departures: permissions to send one request, granted by p-queue, the only folder that imports it.
 * One queue a user bounds the batches that he has on the wire; one for the process stands in front
 * of the connections, and operations wait only there, before everything else. A job is a permit,
 * never a batch: who leaves is decided when it runs.
 */
import PQueue from 'p-queue';

/** With how to give the permit back, once the request is over. */
export type Granted<User> = (user: User, operation: boolean, release: () => void) => void;

export class Departures<User extends object> {
  readonly #perUser: number;
  readonly #process: PQueue;
  readonly #users = new WeakMap<User, PQueue>();
  readonly #granted: Granted<User>;
  /** Users with a request that is not granted yet: a second one would find nobody else. */
  readonly #asked = { batch: new WeakSet<User>(), operation: new WeakSet<User>() };

  constructor(
    limits: { readonly perUser: number; readonly process: number },
    granted: Granted<User>,
  ) {
    this.#perUser = limits.perUser;
    this.#process = new PQueue({ concurrency: limits.process });
    this.#granted = granted;
  }

  /** One request at a time: whoever is granted it asks again if more of the user may leave. */
  request(user: User, operation: boolean): void {
    const asked = operation ? this.#asked.operation : this.#asked.batch;
    if (asked.has(user)) return;
    asked.add(user);
    if (operation) {
      void this.#process.add(() => this.#hold(user, true), { priority: 1 });
      return;
    }
    let queue = this.#users.get(user);
    if (queue === undefined) {
      queue = new PQueue({ concurrency: this.#perUser });
      this.#users.set(user, queue);
    }
    void queue.add(() => this.#process.add(() => this.#hold(user, false)));
  }

  #hold(user: User, operation: boolean): Promise<void> {
    (operation ? this.#asked.operation : this.#asked.batch).delete(user);
    return new Promise((release) => this.#granted(user, operation, release));
  }
}
