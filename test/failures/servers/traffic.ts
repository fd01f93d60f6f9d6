/** Calls of many users at a fixed rate: GETs and writes in batches, photos that pass through, and polls. */
import { setTimeout as delay } from 'node:timers/promises';
import { onCleanup } from '../../support/cleanup.ts';
import { UcwaClient } from '../../support/ucwa-client.ts';

const callsPerSecond = 300;
const users = 60;
const polls = 6;
const maxRunning = 100;

export interface Made {
  readonly nonce: string;
  readonly isWrite: boolean;
  readonly startedAtMs: number;
  tookMs: number;
  /** The status of the answer, or the code of the error. */
  outcome: string;
}

export class Traffic {
  readonly made: Made[] = [];
  readonly pollStatuses: number[] = [];
  readonly #client: UcwaClient;
  readonly #startedAtMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #running = new Set<Promise<void>>();
  #skipped = 0;
  #isStopped = false;

  constructor(url: string) {
    this.#client = new UcwaClient(url);
    this.#timer = setInterval(() => this.#callSome(), 10);
    onCleanup(() => clearInterval(this.#timer));
    for (let user = 0; user < polls; user += 1) void this.#poll(user);
  }

  /** Whether few calls wait for an answer. */
  get isQuick(): boolean {
    return this.#running.size < maxRunning / 4;
  }

  /** Resolves when all calls have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await Promise.all(this.#running);
  }

  #callSome(): void {
    const due = ((performance.now() - this.#startedAtMs) * callsPerSecond) / 1000 - this.#skipped;
    while (this.made.length < due) {
      // A slow machine skips calls, so that it does not fall further and further behind.
      if (this.#running.size >= maxRunning) {
        this.#skipped += due - this.made.length;
        return;
      }
      const call = this.#call(this.made.length);
      this.#running.add(call);
      void call.then(() => this.#running.delete(call));
    }
  }

  async #call(number: number): Promise<void> {
    const nonce = `n${number}`;
    const isWrite = number % 3 === 0;
    const user = (number * 7) % users;
    const startedAtMs = performance.now();
    const one: Made = { nonce, isWrite, startedAtMs, tookMs: NaN, outcome: 'none' };
    this.made.push(one);
    const read = number % 10 === 1 ? 'photos/sip:ben@sim.example' : `me/note?n=${nonce}`;
    const path = isWrite ? `communication/conversations/${nonce}` : read;
    try {
      const { status } = await this.#client.ask(`${applicationOf(user)}/${path}`, {
        method: isWrite ? 'DELETE' : 'GET',
        token: `cwt=sim-u${user}`,
        headers: { 'X-Nonce': nonce },
      });
      one.outcome = String(status);
    } catch (error) {
      one.outcome = (error as NodeJS.ErrnoException).code ?? 'failed';
    }
    one.tookMs = performance.now() - startedAtMs;
  }

  async #poll(user: number): Promise<void> {
    while (!this.#isStopped) {
      const token = `cwt=sim-u${user}`;
      const asked = this.#client.ask(`${applicationOf(user)}/events?ack=1`, { token });
      this.pollStatuses.push(
        await asked.then(
          ({ status }) => status,
          () => 0,
        ),
      );
      await delay(100);
    }
  }
}

function applicationOf(user: number): string {
  return `/ucwa/oauth/v1/applications/${2000 + user}`;
}
