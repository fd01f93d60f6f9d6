/** Starts a child process, sends it requests by message (`ask`), and reads its log. For the chaos tests. */
import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onCleanup } from './cleanup.ts';

interface Reply {
  readonly facts?: unknown;
  readonly id?: number;
  readonly answer?: unknown;
  readonly failure?: string;
}

interface ForkOptions {
  readonly args: readonly string[];
  readonly nodeFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const maxErrors = 5;

/** A child process of the chaos tests. It uses `serveParent` of `test/bench/children/child-side.js`. */
export class Forked {
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  /** The first log lines that report an error. */
  readonly errors: string[] = [];
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #lastId = 0;
  #output = '';
  #wake: () => void = () => undefined;

  /** Resolves when the child serves, with the facts that the child reports about itself. */
  static async start(
    file: URL | string,
    options: ForkOptions,
  ): Promise<{ child: Forked; facts: unknown }> {
    const child = new Forked(typeof file === 'string' ? file : fileURLToPath(file), options);
    const facts = new Promise<unknown>((resolve) => {
      child.process.on('message', (reply: Reply) => {
        if (reply.facts !== undefined) resolve(reply.facts);
        else child.#waiting.get(reply.id ?? 0)?.(reply);
      });
    });
    return { child, facts: await Promise.race([facts, child.#early()]) };
  }

  private constructor(file: string, { args, nodeFlags = [], env = {} }: ForkOptions) {
    this.process = fork(file, [...args], {
      execArgv: [...nodeFlags],
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    onCleanup(() => void this.process.kill('SIGKILL'));
    this.exited = new Promise((resolve) => this.process.once('exit', resolve));
    for (const input of [this.process.stdout, this.process.stderr]) {
      if (input === null) continue;
      createInterface({ input }).on('line', (line) => {
        this.#output = `${this.#output}${line}\n`.slice(-20_000);
        if (this.errors.length < maxErrors && /"level":"?(error|fatal|50|60)\b/.test(line)) {
          this.errors.push(line);
        }
        this.#wake();
      });
    }
  }

  /** The last 20,000 characters of the child's output. */
  get output(): string {
    return this.#output;
  }

  /** Rejects with the failure that the child reports, or when the child exits. */
  ask<T>(what: string, value?: unknown): Promise<T> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, ({ answer: said, failure }) => {
        this.#waiting.delete(id);
        if (failure === undefined) resolve(said as T);
        else reject(new Error(failure));
      });
    });
    this.process.send({ id, what, value });
    return Promise.race([answer, this.#early()]);
  }

  /** Resolves when the child has written a line that matches. */
  async until(line: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = line.exec(this.#output);
      if (found !== null) return found;
      const more = new Promise<void>((resolve) => (this.#wake = resolve));
      await Promise.race([more, this.#early()]);
    }
  }

  async #early(): Promise<never> {
    const code = await this.exited;
    throw new Error(`ended with ${code ?? 'a signal'}: ${this.#output}`);
  }
}
