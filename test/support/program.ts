import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onCleanup } from './cleanup.ts';

const execute = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Surroundings {
  /** Variables added to an environment that contains only `PATH`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of Node itself. */
  readonly nodeFlags?: readonly string[];
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  /** Match of the line that `start` waited for. */
  readonly match: RegExpExecArray;
  /** Resolves when a line matches. Rejects when the program ends before. */
  until(line: RegExp): Promise<RegExpExecArray>;
  readonly exited: Promise<number | null>;
  output(): string;
  errors(): string;
}

/** The program as installed: compiled into dist/, with package.json next to dist/. */
export class Program {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Compiles without type checks: `npm run typecheck` checks the types. */
  static async install(): Promise<Program> {
    const folder = mkdtempSync(join(tmpdir(), 'ucwa-batch-proxy-'));
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const outDir = join(folder, 'dist');
    await execute(process.execPath, [compiler, '-p', root, '--noCheck', '--outDir', outDir]);
    cpSync(join(root, 'src/page/client'), join(outDir, 'page/client'), { recursive: true });
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    return new Program(folder);
  }

  /** Path of a compiled file, for example `main.js`. */
  path(file: string): string {
    return join(this.#folder, 'dist', file);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  /** Runs the program in its own process until it exits. */
  async run(argv: readonly string[], surroundings: Surroundings = {}): Promise<Ended> {
    const { args, options } = this.#command(argv, surroundings);
    try {
      return { code: 0, ...(await execute(process.execPath, args, options)) };
    } catch (error) {
      const { code, stdout, stderr } = error as Ended;
      return { code, stdout, stderr };
    }
  }

  /** Starts the program, and resolves when the program has written a line that matches. */
  async start(
    line: RegExp,
    argv: readonly string[],
    surroundings: Surroundings = {},
  ): Promise<Started> {
    const { args, options } = this.#command(argv, surroundings);
    const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    onCleanup(() => void child.kill('SIGKILL'));
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const until = async (wanted: RegExp): Promise<RegExpExecArray> => {
      for (;;) {
        const found = wanted.exec(stdout);
        if (found !== null) return found;
        if (child.exitCode !== null) throw new Error(`exit ${child.exitCode}: ${stdout}${stderr}`);
        await Promise.race([exited, once(child.stdout, 'data')]);
      }
    };
    const match = await until(line);
    return { child, match, until, exited, output: () => stdout, errors: () => stderr };
  }

  #command(argv: readonly string[], { env = {}, nodeFlags = [] }: Surroundings) {
    return {
      args: [...nodeFlags, this.path('main.js'), ...argv],
      options: { cwd: root, env: { PATH: process.env['PATH'], ...env } },
    };
  }
}
