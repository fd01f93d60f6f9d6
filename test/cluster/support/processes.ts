import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';

/** The folder for files that take long to build or download, kept from run to run. */
export const clusterFolder =
  process.env['CLUSTER_FOLDER'] ?? join(tmpdir(), 'ucwa-batch-proxy-cluster');

const execute = promisify(execFile);
const maxOutputBytes = 64 * 1024 * 1024;
/** Time limit of a program. A build of the image on a busy machine must fit. */
const maxRunMs = 280_000;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end. Rejects if the program cannot be started or runs too long. A failing exit code is
 * a result, not an error.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Outcome> {
  const env = { ...process.env, ...options.env };
  try {
    const output = await execute(program, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env,
      maxBuffer: maxOutputBytes,
      timeout: maxRunMs,
      killSignal: 'SIGKILL',
    });
    return { code: 0, ...output };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string };
    if (typeof code !== 'number') {
      throw new Error(`${program} ${args.join(' ')}: no end\n${stderr}`, { cause: error });
    }
    return { code, stdout, stderr };
  }
}

/** Runs a program to its end. Throws with the program's output if it fails. */
export async function runWell(...given: Parameters<typeof run>): Promise<string> {
  const { code, stdout, stderr } = await run(...given);
  if (code !== 0)
    throw new Error(`${given[0]} ${given[1].join(' ')}: exit ${code}\n${stderr}${stdout}`);
  return stdout;
}

export interface Service {
  readonly child: ChildProcess;
  /** Stops the program, and resolves when it has exited. */
  stop(): Promise<void>;
}

/** Starts a program that runs until it is stopped. Its output is reported if it exits too early. */
export function startService(program: string, args: readonly string[]): Service {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let stopping = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-10_000)));
  }
  const exited = once(child, 'exit').then(([code]) => {
    if (!stopping) process.stderr.write(`${program} ended (${String(code)}):\n${output}\n`);
  });
  return {
    child,
    async stop() {
      stopping = true;
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/**
 * Repeats `ask`, with short pauses, until the answer is good.
 *
 * @throws with the last answer if no answer is good in time
 */
export async function until<T>(
  ask: () => Promise<T> | T,
  isGood: (answer: T) => boolean,
  everyMs = 50,
  withinMs = 60_000,
): Promise<T> {
  const endsAt = performance.now() + withinMs;
  for (;;) {
    const answer = await Promise.resolve(ask());
    if (isGood(answer)) return answer;
    if (performance.now() > endsAt) {
      throw new Error(`not so after ${withinMs} ms: ${String(isGood)}\nlast: ${inspect(answer)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
