import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A case of test/fixtures/admission. The README of that folder explains the fields. */
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

/** The cases by theme: the name of their file without `.yaml`. */
export const admissionCases: ReadonlyMap<string, readonly AdmissionCase[]> = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => [
      name.replace('.yaml', ''),
      parse(readFileSync(new URL(name, folder), 'utf8')) as AdmissionCase[],
    ]),
);

/** Returns the pieces that the case sends. Each character stands for one byte. */
export function piecesOf({ send }: AdmissionCase): string[] {
  return send.map((piece) =>
    typeof piece === 'string' ? piece : piece.repeat.repeat(piece.times),
  );
}
