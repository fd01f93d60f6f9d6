/**
 * Whatever the pool sends for a batch, the parser does not crash or hang, and reads no part that
 * the pool did not send.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { batchingBoundary } from '../../src/core/ucwa/boundary.ts';
import { mulberry32, type Random } from '../../src/simulator/pool/prng.ts';
import { faultsOfReading } from '../support/answer-oracle.ts';
import { exchangeNames, readExchange, splitMessage } from '../support/exchanges.ts';
import { fuzzSeed, goesOn, isLongFuzz } from '../support/fuzz-budget.ts';
import { mutate } from '../support/mutate-bytes.ts';

const trials = 300_000;
/** Answers that the proxy or other parsers once read wrongly. The corpus only grows. */
const corpus = new URL('../fixtures/corpus/answers/', import.meta.url);

interface Answer {
  readonly name: string;
  readonly contentType: string;
  readonly boundary: string;
  readonly body: Buffer;
}

function answerOf(name: string, message: Buffer): Answer {
  const { head, body } = splitMessage(message);
  const contentType = /^Content-Type: *(.*)$/im.exec(head)?.[1]?.trim() ?? '';
  const boundary = batchingBoundary(contentType);
  if (boundary === undefined) throw new Error(`${name} names no boundary`);
  return { name, contentType, boundary, body };
}

const recorded = exchangeNames.map((name) => answerOf(name, readExchange(name).batchResponse));
const collected = readdirSync(corpus)
  .filter((name) => name.endsWith('.http'))
  .map((name) => answerOf(name, readFileSync(new URL(name, corpus))));

describe('the corpus', () => {
  test.each(collected.map((answer) => [answer.name, answer] as const))(
    '%s is read correctly, as a whole and in any two pieces',
    (_name, { boundary, body }) => {
      const cuts = Array.from({ length: body.length }, (_, cut) => cut);
      const faulty = cuts.flatMap((cut) => {
        const faults = faultsOfReading(boundary, body, [cut]);
        return faults.length === 0 ? [] : [{ cut, faults }];
      });
      expect(faulty).toEqual([]);
    },
  );
});

test(`${trials} mutated answers are read without a fault`, () => {
  const seed = fuzzSeed();
  const random = mulberry32(seed);
  const bases = [...recorded, ...collected];
  const startedAtMs = performance.now();
  const faulty: unknown[] = [];
  let done = 0;
  for (; faulty.length === 0 && goesOn(done, trials, startedAtMs); done += 1) {
    const base = bases[Math.floor(random() * bases.length)]!;
    const body = mutate(base.body, base.boundary, random);
    const cuts = cutsOf(body, random);
    let faults: string[];
    try {
      faults = faultsOfReading(base.boundary, body, cuts);
    } catch (error) {
      faults = [String(error)];
    }
    if (faults.length > 0) {
      faulty.push({ seed, done, cuts, faults, keptAs: keep(base, body, seed, done) });
    }
  }
  expect(faulty).toEqual([]);
  expect(done).toBeGreaterThan(0);
});

test(`${trials} mutated content types give a legal boundary or none`, () => {
  const random = mulberry32(fuzzSeed());
  const startedAtMs = performance.now();
  const misread: string[] = [];
  for (let done = 0; goesOn(done, trials, startedAtMs); done += 1) {
    const base = recorded[Math.floor(random() * recorded.length)]!;
    const mutant = mutate(Buffer.from(base.contentType), '"; boundary=x', random).toString(
      'latin1',
    );
    const boundary = batchingBoundary(mutant);
    if (boundary === undefined) continue;
    const isLegal = /^[\w'()+,\-./:=? ]{1,70}$/.test(boundary) && !boundary.endsWith(' ');
    if (!isLegal || !mutant.replaceAll('\\', '').includes(boundary)) {
      misread.push(mutant);
    }
  }
  expect(misread).toEqual([]);
});

function cutsOf(body: Buffer, random: Random): number[] {
  const cuts = Array.from({ length: Math.floor(random() * 4) }, () =>
    Math.floor(random() * body.length),
  );
  return cuts.sort((a, b) => a - b);
}

/** The long run adds its findings to the corpus. The suite changes no files. */
function keep({ contentType }: Answer, body: Buffer, seed: number, trial: number): string {
  const message = Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\n\r\n`, 'latin1'),
    body,
  ]);
  if (!isLongFuzz) return `${message.length} bytes; npm run fuzz keeps what it finds`;
  const file = new URL(`found-${seed}-${trial}.http`, corpus);
  writeFileSync(file, message);
  return file.pathname;
}
