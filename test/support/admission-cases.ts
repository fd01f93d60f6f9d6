import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A case of test/fixtures/admission; its README tells what the fields mean. */
export interface AdmissionCase {
  readonly name: string;
  readonly send: ReadonlyArray<string | { readonly repeat: string; readonly times: number }>;
  readonly answers: readonly number[];
  readonly closed: boolean;
  readonly refused?: string;
  readonly pool: readonly string[];
  readonly with?: readonly string[];
  readonly without?: readonly string[];
}

const folder = new URL('../fixtures/admission/', import.meta.url);

/** By theme. */
export const admissionCases: ReadonlyMap<string, readonly AdmissionCase[]> = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => [
      name.replace('.yaml', ''),
      parse(readFileSync(new URL(name, folder), 'utf8')) as AdmissionCase[],
    ]),
);

/** The pieces that are sent; a character is a byte. */
export function piecesOf({ send }: AdmissionCase): string[] {
  return send.map((piece) =>
    typeof piece === 'string' ? piece : piece.repeat.repeat(piece.times),
  );
}
