import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onCleanup } from '../support/cleanup.ts';

export const benchPath = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export interface Ended {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** The output to stderr, which the caller must read. */
  readonly stderr: NodeJS.ReadableStream;
  /** Code and signal. Resolves when all pipe ends are closed, so the children have exited too. */
  readonly closed: Promise<unknown[]>;
}

/** Starts the benchmark as `npm run bench` does. */
export function startBench(args: readonly string[], env = process.env): Running {
  const child = spawn(process.execPath, [benchPath('run.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  onCleanup(() => void child.kill('SIGKILL'));
  return { child, stderr: child.stderr, closed: once(child, 'close') };
}

/** Runs the benchmark to its end. */
export async function runBench(args: readonly string[], env = process.env): Promise<Ended> {
  const { child, closed } = startBench(args, env);
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  const [code] = await closed;
  return { code, stdout, stderr };
}

/** Creates a folder that is removed after the test. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  onCleanup(() => rm(folder, { recursive: true }));
  return folder;
}
