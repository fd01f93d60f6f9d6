/** The table of a scene, and the sentences that say what the table means. */
import type { BurstAnswer } from './burst.ts';
import type { Scene } from './scenes.ts';

/** The costs of bursts of calls. */
export interface Measured {
  readonly answers: readonly BurstAnswer[];
  /** The costs at the pool. */
  readonly pool: {
    readonly requests: number;
    readonly connections: number;
    readonly cpuMs: number;
  };
}

/** Differences below this are not worth a word. */
const sameShare = 0.05;
const sameMs = 0.5;

/** Returns the title of the scene, a table of both measurements, and sentences that compare them. */
export function comparison(scene: Scene, direct: Measured, proxied: Measured): string {
  const rows: ReadonlyArray<readonly [string, (measured: Measured) => string]> = [
    ['calls', ({ answers }) => String(answers.length)],
    ['requests at the pool', ({ pool }) => String(pool.requests)],
    ['new connections to the pool', ({ pool }) => String(pool.connections)],
    ['CPU ms of the pool', ({ pool }) => pool.cpuMs.toFixed(0)],
    ['p50 ms', ({ answers }) => waited(quick(answers, scene), 0.5).toFixed(1)],
    ['p95 ms', ({ answers }) => waited(quick(answers, scene), 0.95).toFixed(1)],
    ...(scene.slowPath === undefined
      ? []
      : [
          [
            'p50 ms of the slow route',
            ({ answers }: Measured) => waited(slow(answers, scene), 0.5).toFixed(1),
          ] as const,
        ]),
    ['429s that callers saw', ({ answers }) => String(refused(answers))],
    ['other errors', ({ answers }) => String(failed(answers))],
  ];
  const lines = [['', () => ''] as const, ...rows].map(
    ([name, of], i) =>
      `  ${name.padEnd(30)}${(i === 0 ? 'direct' : of(direct)).padStart(10)}` +
      `${(i === 0 ? 'through the proxy' : of(proxied)).padStart(20)}\n`,
  );
  const sentences = meaning(scene, direct, proxied).map((sentence) => `  ${sentence}\n`);
  return `${scene.title}\n\n${lines.join('')}\n${sentences.join('')}`;
}

/** Returns the sentences. They state only what the numbers show. */
export function meaning(scene: Scene, direct: Measured, proxied: Measured): readonly string[] {
  const sentences = [
    `${capital(requestsText(direct.pool.requests, proxied.pool.requests))}; ` +
      `${workText(direct.pool.cpuMs, proxied.pool.cpuMs)}.`,
  ];
  const before = refused(direct.answers);
  const after = refused(proxied.answers);
  if (before > after) {
    const rest = after === 0 ? 'callers saw none' : `callers saw ${after}`;
    sentences.push(
      `Directly the pool refused ${before} of ${direct.answers.length} calls with 429. ` +
        `Through the proxy ${rest}.`,
    );
  }
  const who =
    scene.slowPath === undefined ? 'Callers waited' : 'Callers of the other routes waited';
  const [from, to] = [direct, proxied].map(({ answers }) => waited(quick(answers, scene), 0.5));
  sentences.push(`${who} ${waitText(from ?? 0, to ?? 0)}.`);
  if (scene.slowPath !== undefined) {
    const slowMs = waited(slow(proxied.answers, scene), 0.5);
    const quickMs = waited(quick(proxied.answers, scene), 0.95);
    if (quickMs < slowMs) {
      sentences.push(
        `95 % of them had their answers in ${quickMs.toFixed(1)} ms: they did not wait for the slow route ` +
          `(${slowMs.toFixed(1)} ms).`,
      );
    }
  }
  return sentences;
}

function requestsText(before: number, after: number): string {
  const times = before / Math.max(1, after);
  if (Math.abs(times - 1) < sameShare) return 'as many requests';
  return times > 1
    ? `${times.toFixed(1)} times fewer requests`
    : `${(1 / times).toFixed(1)} times more requests`;
}

function workText(beforeMs: number, afterMs: number): string {
  const share = (beforeMs - afterMs) / Math.max(1, beforeMs);
  if (Math.abs(share) < sameShare) return "the pool's work stayed the same";
  const verb = share > 0 ? 'fell' : 'rose';
  return (
    `the pool's work ${verb} by ${Math.abs(share * 100).toFixed(0)} % ` +
    `(${beforeMs.toFixed(0)} ms of CPU, now ${afterMs.toFixed(0)} ms)`
  );
}

function waitText(before: number, after: number): string {
  if (Math.abs(after - before) < sameMs) return 'as long, in the median';
  const ms = Math.abs(after - before).toFixed(1);
  return after > before
    ? `${ms} ms more, in the median, because calls wait for each other`
    : `${ms} ms less, in the median`;
}

/** Times of the answers that are no errors, without those of the slow route. */
function quick(answers: readonly BurstAnswer[], { slowPath }: Scene): readonly number[] {
  return timesOf(answers.filter(({ path }) => path !== slowPath));
}

function slow(answers: readonly BurstAnswer[], { slowPath }: Scene): readonly number[] {
  return timesOf(answers.filter(({ path }) => path === slowPath));
}

function timesOf(answers: readonly BurstAnswer[]): readonly number[] {
  return answers
    .filter(({ status }) => status < 400)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
}

function refused(answers: readonly BurstAnswer[]): number {
  return answers.filter(({ status }) => status === 429).length;
}

function failed(answers: readonly BurstAnswer[]): number {
  return answers.filter(({ status }) => status >= 400 && status !== 429).length;
}

/** Returns the smallest time that is not below `share` (0 to 1) of the times. */
function waited(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)] ?? 0;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
