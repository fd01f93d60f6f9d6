/** Resolves a request target to a place in the pool. */
import type { Family } from '../sign-in/credentials.ts';

export type Place =
  | {
      /** One application, or a path below it. */
      readonly kind: 'application';
      readonly family: Family;
      readonly id: string;
      /** Path of the application, in the spelling of the pool. */
      readonly base: string;
      /** Decoded path segments below the application. */
      readonly path: readonly string[];
      readonly rawQuery: string;
    }
  /** The collection of applications. `base` is its path. */
  | {
      readonly kind: 'applications';
      readonly family: Family;
      readonly base: string;
      /** Whether only guests of meetings may create an application here. */
      readonly isForGuests: boolean;
    }
  | { readonly kind: 'stream'; readonly name: string; readonly query: URLSearchParams }
  /** Discovery, tokens, or an unknown path; `path` is in lower case. */
  | { readonly kind: 'elsewhere'; readonly path: string };

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Returns the place of a target in origin-form. An invalid target is `elsewhere`. */
export function locate(target: string): Place {
  const [given = '', ...queries] = target.split('?');
  // Some public clients write `//ucwa/…`, which the web server of the pool accepts.
  const path = given.replace(/^\/+/, '/');
  const rawQuery = queries.join('?');
  const elsewhere = { kind: 'elsewhere', path: path.toLowerCase() } as const;
  const stream = /^\/simulator\/(\w+)$/i.exec(path);
  if (stream) {
    const name = (stream[1] ?? '').toLowerCase();
    return { kind: 'stream', name, query: new URLSearchParams(rawQuery) };
  }
  const ucwa = /^\/ucwa\/(oauth\/)?v1\/applications(?:\/([^/]+)(.*))?$/i.exec(
    path.replace(/\/anonApplications$/i, '/applications'),
  );
  if (!ucwa) return elsewhere;
  const family = ucwa[1] === undefined ? 'webTicket' : 'oauth';
  const root = `/ucwa/${family === 'oauth' ? 'oauth/' : ''}v1/applications`;
  if (ucwa[2] === undefined) {
    const isForGuests = /\/anonApplications$/i.test(path);
    return { kind: 'applications', family, base: root, isForGuests };
  }
  const segments = (ucwa[3] ?? '').split('/').slice(1).map(decode);
  const decoded = segments.filter((text) => text !== undefined);
  if (decoded.length < segments.length) return elsewhere;
  return {
    kind: 'application',
    family,
    id: ucwa[2],
    base: `${root}/${ucwa[2]}`,
    path: decoded,
    rawQuery,
  };
}
