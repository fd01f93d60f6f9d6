/**
 * Four readings of a request target, none of which shares code with the proxy: whoever stands behind
 * us may have any of them. Each gives the path that its reader would look up, in segments.
 */

export interface Reading {
  /** Where the reader thinks it goes, when the target says so itself. */
  readonly host: string | undefined;
  readonly segments: readonly string[];
}

export const decoders: Readonly<Record<string, (target: string) => Reading>> = {
  /** Browsers and Node: https://url.spec.whatwg.org */
  whatwg(target) {
    const url = new URL(target, 'http://pool.example');
    return { host: url.host, segments: resolved(decodeOnce(url.pathname)) };
  },

  /** By the letter: the expression of appendix B, then sections 5.2.4 and 6.2.2. */
  rfc3986(target) {
    const match = /^(([^:/?#]+):)?(\/\/([^/?#]*))?([^?#]*)(\?([^#]*))?(#(.*))?/.exec(target);
    const unreserved = (match?.[5] ?? '').replace(/%([0-9a-f]{2})/gi, (triplet, hex: string) => {
      const character = String.fromCharCode(parseInt(hex, 16));
      return /[\w\-.~]/.test(character) ? character : triplet;
    });
    return { host: match?.[4], segments: resolved(unreserved) };
  },

  /** One decoder behind another, each of which drops empty segments. */
  doubleDecode(target) {
    const path = decodeOnce(decodeOnce(upTo(target, /[?#]/))).replace(/\/+/g, '/');
    return { host: undefined, segments: resolved(upTo(path, /[?#]/)) };
  },

  /**
   * What IIS, ASP.NET and the file system below them have been known to do: %u escapes, two rounds,
   * overlong UTF-8, backslashes, no case, path parameters, text behind NUL, streams, and dots and
   * blanks at the end of names.
   */
  iisLike(target) {
    let path = decodeOnce(upTo(target, /[?#]/));
    path = path.replace(/%u([0-9a-f]{4})/gi, (_, hex: string) => bestFit(parseInt(hex, 16)));
    path = decodeOnce(path)
      .replace(/[\xc0\xc1]([\x80-\xbf])/g, (pair) =>
        String.fromCharCode(((pair.charCodeAt(0) & 0x1f) << 6) | (pair.charCodeAt(1) & 0x3f)),
      )
      .replaceAll('\\', '/')
      .replace(/\0[^]*$/, '')
      .replace(/\/+/g, '/');
    const segments = resolved(upTo(path, /[?#]/)).map((segment) =>
      segment
        .replace(/[;:][^]*$/, '')
        .replace(/[. \t]+$/, '')
        .toLowerCase(),
    );
    return { host: undefined, segments };
  },
};

/** Triplets become bytes, a character each; what is no triplet stays. */
function decodeOnce(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
}

/** Full-width letters are given for the plain ones, as code page conversions do. */
function bestFit(code: number): string {
  return String.fromCharCode(code >= 0xff01 && code <= 0xff5e ? code - 0xfee0 : code);
}

function upTo(text: string, end: RegExp): string {
  const at = text.search(end);
  return at === -1 ? text : text.slice(0, at);
}

/** Without dot segments. */
function resolved(path: string): string[] {
  const kept: string[] = [];
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  return kept;
}
