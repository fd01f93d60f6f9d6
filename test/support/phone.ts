import { get, poll, post } from './event-pool.ts';
import type { PrimingPool } from './priming-pool.ts';
import { RawClient } from './raw-client.ts';

/** A client that polls on one connection, and reads on another one. */
export class Phone {
  readonly #poller: RawClient;
  readonly #reader: RawClient;
  readonly #pool: PrimingPool;
  readonly #fields: string;

  /** @param fields further fields of its GETs, each with its line end */
  constructor(port: number, pool: PrimingPool, fields = '') {
    this.#fields = fields;
    this.#poller = new RawClient(port);
    this.#reader = new RawClient(port);
    this.#pool = pool;
  }

  /** Polls, and receives events of these targets. */
  async hear(targets: readonly string[]): Promise<void> {
    this.#poller.send(poll);
    this.#pool.tell(targets);
    await this.#poller.readAnswer();
  }

  send(targets: readonly string[]): void {
    for (const target of targets)
      this.#reader.send(get(target).replace(/\r\n$/, `${this.#fields}\r\n`));
  }

  /** Writes something, and receives the answer. */
  async write(target: string): Promise<void> {
    this.#reader.send(post('{}', { target }));
    await this.#reader.readAnswer();
  }

  /** Returns the status and the body of each answer. */
  async receive(count: number): Promise<string[]> {
    const answers: string[] = [];
    for (let i = 0; i < count; i += 1) {
      const { status, body } = await this.#reader.readAnswer();
      answers.push(`${status} ${body.toString().trim()}`);
    }
    return answers;
  }
}
