import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Counts of the pool since its start. */
export interface PoolCounts {
  readonly requests: number;
  readonly connections: number;
  readonly cpuMs: number;
}

/** A message to the pool, which answers each one with its counts. */
export interface PoolRequest {
  /** The new limit on outstanding calls of one user. */
  readonly limit?: number;
}

/** A simulated pool in a process of its own. */
export class PoolProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(): Promise<PoolProcess> {
    const file = fileURLToPath(new URL('./simulated-pool.js', import.meta.url));
    const child = fork(file, { execArgv: [] });
    return new PoolProcess(child, (await answerOf(child)) as string);
  }

  setLimit(limit: number): Promise<PoolCounts> {
    return this.#ask({ limit });
  }

  counts(): Promise<PoolCounts> {
    return this.#ask({});
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }

  async #ask(message: PoolRequest): Promise<PoolCounts> {
    const answer = answerOf(this.#child);
    this.#child.send(message);
    return (await answer) as PoolCounts;
  }
}

/** Resolves to the next message; rejects if the pool ends before. */
async function answerOf(child: ChildProcess): Promise<unknown> {
  const gone = new AbortController();
  const onExit = (code: number | null): void =>
    gone.abort(new Error(`the simulated pool ended with exit code ${code ?? 'none'}`));
  child.once('exit', onExit);
  try {
    const [message] = (await once(child, 'message', { signal: gone.signal })) as unknown[];
    return message;
  } catch (error) {
    throw gone.signal.aborted ? gone.signal.reason : error;
  } finally {
    child.removeListener('exit', onExit);
  }
}
