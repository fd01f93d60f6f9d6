/**
 * Two independent readers read the same answers as the proxy: Python's email with http.client, and Go's
 * mime/multipart with net/http. test/fixtures/differential/explained.yaml explains their differences. A
 * difference without an explanation fails the test. An explanation of a single trick without a difference fails
 * too.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import { parse } from 'yaml';
import { MultipartParser } from '../../src/core/wire/multipart-parser.ts';
import { mulberry32 } from '../../src/simulator/pool/prng.ts';
import { boundary, plainDraft, tricks, write } from '../support/answer-tricks.ts';
import { onCleanup } from '../support/cleanup.ts';
import { fuzzSeed, goesOn, isLongFuzz } from '../support/fuzz-budget.ts';
import { OracleProcess, type OracleReading } from '../support/oracle-process.ts';
import { onlyWith } from '../support/real-parts.ts';

const trials = 2000;

/** A trick that another reader reads differently, and why the proxy's reading is right. */
interface Explained {
  readonly oracle: 'python' | 'go';
  readonly trick: string;
  readonly reason: string;
}

const explained = parse(
  readFileSync(new URL('../fixtures/differential/explained.yaml', import.meta.url), 'utf8'),
) as Explained[];

const folder = fileURLToPath(new URL('oracles/', import.meta.url));

function startPython(): OracleProcess {
  return new OracleProcess('python3', [join(folder, 'email_oracle.py')]);
}

function startGo(): OracleProcess {
  const built = mkdtempSync(join(tmpdir(), 'multipart-oracle-'));
  onCleanup(() => rmSync(built, { recursive: true }));
  const program = join(built, 'oracle');
  const env = { ...process.env, GOFLAGS: '', GO111MODULE: 'off' };
  execFileSync('go', ['build', '-o', program, join(folder, 'multipart_oracle.go')], { env });
  return new OracleProcess(program, []);
}

const testWithPython = onlyWith('python3');
const testWithGo = onlyWith('go');

testWithPython(
  `of ${trials} odd answers, Python reads none differently without an explanation`,
  () => expectNoUnexplained('python', startPython()),
);

testWithGo(`of ${trials} odd answers, Go reads none differently without an explanation`, () =>
  expectNoUnexplained('go', startGo()),
);

async function expectNoUnexplained(
  name: Explained['oracle'],
  oracle: OracleProcess,
): Promise<void> {
  const reasons = new Map(
    explained.filter((row) => row.oracle === name).map((row) => [row.trick, row.reason]),
  );
  const needed = new Set<string>();
  const unexplained = new Map<string, unknown>();
  const seed = isLongFuzz ? fuzzSeed() : 1;
  const random = mulberry32(seed);
  const startedAtMs = performance.now();
  for (let done = 0; goesOn(done, trials, startedAtMs); done += 1) {
    const { bytes, used } = oddAnswer(random);
    const theirs = summaryOf(await oracle.read(boundary, bytes));
    const ours = ourSummary(bytes);
    if (theirs === ours) continue;
    if (used.length === 1) needed.add(used[0] ?? '');
    if ([...used, together(used)].some((trick) => reasons.has(trick))) continue;
    unexplained.set(together(used), {
      seed,
      done,
      bytes: bytes.toString('latin1'),
      ours,
      theirs,
    });
  }
  expect([...unexplained]).toEqual([]);
  const alone = [...reasons.keys()].filter((trick) => !trick.includes(' + '));
  expect(alone.sort()).toEqual([...needed].sort());
}

/** The name that explained.yaml gives to several tricks in one answer. */
function together(used: readonly string[]): string {
  return used.slice().sort().join(' + ');
}

/** Most answers have one trick, some have two or none. */
function oddAnswer(random: () => number): { bytes: Buffer; used: string[] } {
  const names = Object.keys(tricks);
  const draft = plainDraft(random);
  const used: string[] = [];
  const draw = random();
  for (let left = draw < 0.1 ? 0 : draw < 0.7 ? 1 : 2; left > 0; left -= 1) {
    const name = names[Math.floor(random() * names.length)] ?? '';
    const part = draft.parts[Math.floor(random() * draft.parts.length)];
    if (part === undefined || used.includes(name)) continue;
    tricks[name]?.(draft, part, random);
    used.push(name);
  }
  return { bytes: write(draft), used };
}

function ourSummary(bytes: Buffer): string {
  const parser = new MultipartParser(boundary, { maxParts: 50, maxPreambleBytes: 4096 });
  parser.push(bytes);
  const closed = parser.finish() === 'closed';
  const parts = parser.parts.map((part) => {
    if (part.kind === 'malformed') return null;
    const fields: Array<[string, string]> = [];
    for (let i = 0; i < part.headers.length; i += 2) {
      fields.push([part.headers[i] ?? '', part.headers[i + 1] ?? '']);
    }
    return { status: part.status, fields, body: part.body.toString('base64') };
  });
  return summaryOf({ closed, parts });
}

/** Returns the same text for the same meaning: names in lower case, fields sorted by name. */
function summaryOf({ closed, parts }: OracleReading): string {
  const texts = parts.map((part) => {
    if (part === null) return 'unreadable';
    const fields = part.fields.map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort();
    return `${part.status} [${fields.join('; ')}] ${part.body}`;
  });
  return [closed ? 'closed' : 'not closed', ...texts].join('\n');
}
