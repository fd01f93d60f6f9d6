import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transformSync } from '@swc/core';
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

/** The program as it is installed: JavaScript in dist/, with package.json next to dist/. */
export class Program {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Compiles without type checks: `npm run typecheck` checks the types. swc needs a tenth of the time of tsc. */
  static install(): Program {
    const folder = mkdtempSync(join(tmpdir(), 'ucwa-batch-proxy-'));
    for (const name of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const path = join(folder, 'dist', name.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, compiled(readFileSync(join(root, 'src', name), 'utf8')));
    }
    const page = 'page/client';
    cpSync(join(root, 'src', page), join(folder, 'dist', page), { recursive: true });
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    return new Program(folder);
  }

  /** The program as the image has it: the bundle, with package.json next to dist/, and no packages. */
  static async installBundle(): Promise<Program> {
    const folder = mkdtempSync(join(tmpdir(), 'ucwa-batch-proxy-'));
    await execute(process.execPath, [join(root, 'bundle.js'), join(folder, 'dist')]);
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
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

/** TypeScript as JavaScript that Node runs. */
export function compiled(source: string): string {
  // The types of swc do not know the last option.
  const jsc = {
    target: 'es2023',
    parser: { syntax: 'typescript' },
    rewriteRelativeImportExtensions: true,
  } as const;
  return transformSync(source, { swcrc: false, jsc, module: { type: 'es6' } }).code;
}
