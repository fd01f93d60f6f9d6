/** The parent's side: processes that answer questions and never outlive the benchmark. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { scratchFolder } from './scratch.js';

const startWithinMs = 30_000;
const stopWithinMs = 5_000;

/** @type {Set<import('node:child_process').ChildProcess>} */
const alive = new Set();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export class Child {
  #name;
  #process;
  /** @type {Map<number, { resolve: (answer: any) => void, reject: (error: Error) => void }>} */
  #asked = new Map();
  #lastId = 0;
  /** @type {any} */
  #facts;
  /** @type {Promise<void>} */
  #ended;
  #stopping = false;

  /**
   * @param {string} name for messages
   * @param {URL} file
   * @param {object} options which the program reads with `childOptions()`
   * @param {readonly string[]} nodeFlags
   */
  constructor(name, file, options, nodeFlags) {
    this.#name = name;
    this.#process = fork(
      fileURLToPath(file),
      [JSON.stringify({ ...options, scratch: scratchFolder() })],
      {
        execArgv: [...nodeFlags],
        // The output of a child is not part of the report.
        stdio: ['ignore', 2, 2, 'ipc'],
      },
    );
    alive.add(this.#process);
    this.#process.on('message', (message) => this.#hear(message));
    this.#process.on('error', (error) => this.#failAll(error.message));
    this.#ended = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => {
        alive.delete(this.#process);
        if (!this.#stopping) this.#failAll(`ended with ${signal ?? `code ${code}`}`);
        resolve();
      });
    });
  }

  /**
   * @param {string} name
   * @param {URL} file
   * @param {object} options
   * @param {readonly string[]} [nodeFlags]
   * @returns {Promise<Child>} resolves when the child serves
   */
  static async start(name, file, options, nodeFlags = []) {
    const child = new Child(name, file, options, nodeFlags);
    try {
      await child.#expect(0, 'start', startWithinMs);
    } catch (error) {
      await child.stop();
      throw error;
    }
    return child;
  }

  /** @returns {any} the facts that the child reported when it began to serve */
  get facts() {
    return this.#facts;
  }

  /**
   * @param {string} what
   * @param {unknown} [value]
   * @param {number} [withinMs]
   * @returns {Promise<any>} rejects with the failure that the child reports
   */
  ask(what, value, withinMs = 15_000) {
    this.#lastId += 1;
    const answer = this.#expect(this.#lastId, what, withinMs);
    this.#process.send({ id: this.#lastId, what, value }, (error) => {
      if (error !== null) this.#failAll(error.message);
    });
    return answer;
  }

  /** Asks the child to exit, and kills it if it does not. */
  async stop() {
    this.#stopping = true;
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), stopWithinMs);
    if (this.#process.connected) this.#process.disconnect();
    // A process without an id never started, so no exit event comes.
    if (this.#process.pid !== undefined) await this.#ended;
    clearTimeout(timer);
  }

  /**
   * @param {number} id
   * @param {string} what
   * @param {number} withinMs
   * @returns {Promise<any>}
   */
  async #expect(id, what, withinMs) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        this.#asked.set(id, { resolve, reject });
        const late = () => reject(new Error(`${this.#name}: no ${what} within ${withinMs} ms`));
        timer = setTimeout(late, withinMs);
      });
    } finally {
      clearTimeout(timer);
      this.#asked.delete(id);
    }
  }

  /** @param {any} message */
  #hear({ facts, id = 0, answer, failure }) {
    if (facts !== undefined) this.#facts = facts;
    const asked = this.#asked.get(id);
    if (failure === undefined) asked?.resolve(answer);
    else asked?.reject(new Error(`${this.#name}: ${failure}`));
  }

  /** @param {string} reason */
  #failAll(reason) {
    for (const { reject } of this.#asked.values()) reject(new Error(`${this.#name}: ${reason}`));
  }
}
