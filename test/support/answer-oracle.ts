/**
 * Checks how the parser reads the answer to a batch, by comparison with a second, slower reader.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { MultipartParser } from '../../src/core/wire/multipart-parser.ts';

const maxParts = 20;

interface Sliced {
  /** The text between two delimiter lines, in order. */
  readonly contents: readonly string[];
  readonly ending: string;
}

/** Splits the whole answer into its parts with regular expressions. */
function slice(boundary: string, bytes: string): Sliced {
  const name = boundary.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const first = new RegExp(`(?:^|\\r?\\n)--${name}(--)?[ \\t]*(\\r\\n|\\n|\\r?$)`).exec(bytes);
  if (first === null) return { contents: [], ending: 'no-delimiter' };
  if (first[1] !== undefined) return { contents: [], ending: 'closed' };
  const [before, after] =
    first[2] === '\n' ? ['\\r?\\n', '\\r?\\n|\\r?$'] : ['\\r\\n', '\\r\\n|\\r?$'];
  const next = new RegExp(`(?:${before}|^)--${name}(--)?[ \\t]*(?:${after})`);
  const contents: string[] = [];
  let rest = bytes.slice(first.index + first[0].length);
  for (;;) {
    const found = next.exec(rest);
    if (found === null) return { contents, ending: rest === '' ? 'bare' : 'open' };
    if (contents.length === maxParts) return { contents, ending: 'overflow' };
    contents.push(rest.slice(0, found.index));
    if (found[1] !== undefined) return { contents, ending: 'closed' };
    rest = rest.slice(found.index + found[0].length);
  }
}

function read(
  boundary: string,
  bytes: Buffer,
  cuts: readonly number[],
): MultipartParser['parts'] & { ending?: string } {
  const parser = new MultipartParser(boundary, { maxParts, maxPreambleBytes: 1 << 20 });
  let from = 0;
  for (const cut of cuts) {
    parser.push(bytes.subarray(from, cut));
    from = cut;
  }
  parser.push(bytes.subarray(from));
  const ending = parser.finish();
  return Object.assign(parser.parts, { ending });
}

/** A reading of one answer of a few kilobytes that takes longer than this counts as a hang. */
const hangMs = 50;

/** Returns the faults of the parser for these bytes, cut at the ascending offsets `cuts`. */
export function faultsOfReading(
  boundary: string,
  bytes: Buffer,
  cuts: readonly number[],
): string[] {
  const faults: string[] = [];
  const startedAtMs = performance.now();
  const parts = read(boundary, bytes, cuts);
  if (performance.now() - startedAtMs > hangMs && !isQuick(boundary, bytes, cuts)) {
    faults.push('it hangs');
  }
  const text = bytes.toString('latin1');
  const { contents, ending } = slice(boundary, text);
  if (parts.ending !== ending) faults.push(`ended ${parts.ending ?? ''} instead of ${ending}`);
  if (parts.length !== contents.length) {
    faults.push(`${parts.length} parts instead of ${contents.length}`);
  }
  parts.forEach((part, i) => {
    if (part.kind === 'malformed') return;
    const content = contents[i] ?? '';
    const body = part.body.toString('latin1');
    const at = content.lastIndexOf(body);
    const isOwn = part.body.length === 0 || /^[\r\n]*$/.test(content.slice(at + body.length));
    if (at === -1 || !isOwn) faults.push(`part ${i} has a body that is not its own`);
    if (!content.includes(` ${part.status}`))
      faults.push(`part ${i} has a status that is not in the answer`);
    if (part.status < 200 || part.status > 599) faults.push(`part ${i} has no final status`);
    for (let at = 0; at < part.headers.length; at += 2) {
      const name = part.headers[at] ?? '';
      const value = part.headers[at + 1] ?? '';
      if (!content.includes(name)) faults.push(`part ${i} has a field that is not in the answer`);
      try {
        validateHeaderName(name);
        validateHeaderValue(name, value);
      } catch {
        faults.push(`part ${i} has a field that no answer can have`);
      }
    }
  });
  return faults;
}

/**
 * Whether one of three repeated readings is quick. The first may have been slow because another process had the
 * CPU.
 */
function isQuick(boundary: string, bytes: Buffer, cuts: readonly number[]): boolean {
  for (let again = 0; again < 3; again += 1) {
    const startedAtMs = performance.now();
    read(boundary, bytes, cuts);
    if (performance.now() - startedAtMs <= hangMs) return true;
  }
  return false;
}
