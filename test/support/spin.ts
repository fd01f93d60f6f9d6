/** Runs the model checker SPIN on the models in docs/models. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Explored {
  readonly states: number;
  /** The property that fails in some run, in the words of SPIN; `undefined` if all runs are good. */
  readonly fault: string | undefined;
}

interface Replayed {
  readonly runs: number;
  /** `run, step, operation` of each step that the model does not allow. */
  readonly refused: readonly string[];
}

const models = fileURLToPath(new URL('../../docs/models/', import.meta.url));

function output(program: string, args: readonly string[], options: object = {}): string {
  const { stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', ...options });
  if (error !== undefined) throw error;
  return stdout + stderr;
}

/** Explores all states of a model, once with each number of a planted fault. 0 plants no fault. `-E` allows stops. */
export function explore(
  model: string,
  planted: readonly number[],
  flags: readonly string[] = [],
): readonly Explored[] {
  const cwd = mkdtempSync(join(tmpdir(), 'spin-'));
  try {
    const problems =
      output('spin', ['-a', join(models, `${model}.pml`)], { cwd }) +
      output('gcc', ['-O1', '-w', '-DSAFETY', '-DVECTORSZ=2048', '-o', 'pan', 'pan.c'], { cwd });
    if (problems !== '') throw new Error(problems);
    return planted.map((fault) => {
      const env = { ...process.env, PLANTED: String(fault) };
      const text = output('./pan', ['-m1000000', '-w22', ...flags], { cwd, env });
      const states = /(\d+) states, stored/.exec(text)?.[1];
      if (states === undefined || /max search depth too small|out of memory/.test(text))
        throw new Error(text);
      return { states: Number(states), fault: /^pan:1: (.*) \(at depth/m.exec(text)?.[1] };
    });
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

/** Replays recorded runs in a model. The last line of each run is `.`. */
export function replay(model: string, runs: ReadonlyArray<readonly string[]>): Replayed {
  const cwd = mkdtempSync(join(tmpdir(), 'spin-'));
  try {
    const input = [...runs.flat(), '!', ''].join('\n');
    const text = output('spin', ['-T', '-DTRACE', join(models, `${model}.pml`)], { cwd, input });
    const refused = [...text.matchAll(/^refused: (.*)$/gm)].map(([, where = '']) => where);
    const wrong = /assertion violated.*/.exec(text)?.[0];
    if (wrong !== undefined) refused.push(wrong);
    const count = /^replayed: (\d+)$/m.exec(text)?.[1];
    if (count === undefined && wrong === undefined) throw new Error(text);
    return { runs: Number(count ?? 0), refused };
  } finally {
    rmSync(cwd, { recursive: true });
  }
}
