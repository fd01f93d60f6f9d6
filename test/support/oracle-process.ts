import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onCleanup } from './cleanup.ts';

/**
 * How another program reads an answer to a batch. A part that the program cannot read is `null`.
 */
export interface OracleReading {
  readonly closed: boolean;
  readonly parts: ReadonlyArray<{
    readonly status: number;
    readonly fields: ReadonlyArray<readonly [string, string]>;
    readonly body: string;
  } | null>;
}

/** A program that reads one answer per input line. */
export class OracleProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args);
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    onCleanup(async () => {
      const exited = once(this.#child, 'exit');
      this.#child.stdin.end();
      await exited;
    });
  }

  async read(boundary: string, body: Buffer): Promise<OracleReading> {
    this.#child.stdin.write(`${JSON.stringify({ boundary, body: body.toString('base64') })}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('the oracle has ended');
    return JSON.parse(line.value) as OracleReading;
  }
}
