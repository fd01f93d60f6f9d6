/** The imports of the sources, read from their text. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';

const root = new URL('../../', import.meta.url);

/** A relative import or re-export, also of types, which `import-x/no-cycle` ignores. */
const importing =
  /(?:^(?:import|export)( type)?\b[^;]*?\bfrom |\bimport\()'(\.{1,2}\/[^']+\.ts)'/gm;

export interface Import {
  /** Both are paths from the root of the project, such as `src/main.ts`. */
  readonly from: string;
  readonly to: string;
  /** Whether only types are imported. */
  readonly isType: boolean;
}

/** All files of `src`. */
export function sources(): string[] {
  return readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `src/${name}`);
}

export function importsOfSources(): Import[] {
  return sources().flatMap((from) => {
    const text = readFileSync(new URL(from, root), 'utf8');
    return [...text.matchAll(importing)].map(([, type, path = '']) => ({
      from,
      to: posix.join(posix.dirname(from), path),
      isType: type !== undefined,
    }));
  });
}
