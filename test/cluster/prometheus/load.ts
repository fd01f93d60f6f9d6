import { onCleanup } from '../../support/cleanup.ts';
import { UcwaClient } from '../../support/ucwa-client.ts';
import { callsAtOnce, type Replica, type User } from '../support/replicas.ts';

/**
 * Time between two rounds of a user. Even a busy machine ends a round sooner, so it does not lower the rates.
 */
const roundMs = 400;

/**
 * All users make several calls at once, again and again, at the proxies that a balancer would
 * choose.
 */
export class Load {
  readonly #clients: readonly UcwaClient[];
  readonly #people: readonly User[];
  #running: ReadonlyArray<Promise<void>> = [];
  #goesOn = false;
  /** Whether a user's calls reach one proxy, or each proxy in turn. */
  isAffine = true;
  /** Number of answered calls. */
  calls = 0;
  #asked = 0;

  constructor(replicas: readonly Replica[], people: readonly User[]) {
    this.#clients = replicas.map(({ url }) => new UcwaClient(url));
    this.#people = people;
    onCleanup(() => this.stop());
  }

  start(): void {
    this.#goesOn = true;
    this.#running = this.#people.map((user, index) => this.#rounds(user, index));
  }

  /** Resolves when every call has an answer. */
  async stop(): Promise<void> {
    this.#goesOn = false;
    await Promise.all(this.#running);
  }

  async #rounds(user: User, index: number): Promise<void> {
    while (this.#goesOn) {
      const isOver = new Promise((resolve) => setTimeout(resolve, roundMs));
      await Promise.all(Array.from({ length: callsAtOnce }, (_, n) => this.#call(user, index, n)));
      await isOver;
    }
  }

  async #call(user: User, index: number, n: number): Promise<void> {
    const client = this.#clients[(this.isAffine ? index : n) % this.#clients.length]!;
    const target = `/ucwa/oauth/v1/applications/${user.application}/me/note?n=${++this.#asked}`;
    await client.ask(target, { token: user.tokens[0]! });
    this.calls += 1;
  }
}
