/**
 * Four readers of a request target that share no code with the proxy. Servers behind the proxy may
 * read a target in any of these ways. Each reader returns the path that it would look up, in
 * segments.
 */

export interface Reading {
  /** The host that the target names, as the reader understands it. */
  readonly host: string | undefined;
  readonly segments: readonly string[];
}

export const decoders: Readonly<Record<string, (target: string) => Reading>> = {
  /** Browsers and Node: https://url.spec.whatwg.org */
  whatwg(target) {
    const url = new URL(target, 'http://pool.example');
    return { host: url.host, segments: resolved(decodeOnce(url.pathname)) };
  },

  /** RFC 3986 to the letter: the expression of appendix B, then sections 5.2.4 and 6.2.2. */
  rfc3986(target) {
    const match = /^(([^:/?#]+):)?(\/\/([^/?#]*))?([^?#]*)(\?([^#]*))?(#(.*))?/.exec(target);
    const unreserved = (match?.[5] ?? '').replace(/%([0-9a-f]{2})/gi, (triplet, hex: string) => {
      const character = String.fromCharCode(parseInt(hex, 16));
      return /[\w\-.~]/.test(character) ? character : triplet;
    });
    return { host: match?.[4], segments: resolved(unreserved) };
  },

  /** Decodes twice, then drops empty segments. */
  doubleDecode(target) {
    const path = decodeOnce(decodeOnce(upTo(target, /[?#]/))).replace(/\/+/g, '/');
    return { host: undefined, segments: resolved(upTo(path, /[?#]/)) };
  },

  /**
   * Known behavior of IIS, ASP.NET and the file system. They decode %u escapes, decode twice, and accept
   * overlong UTF-8 and backslashes. They ignore case, path parameters (`;…`), NTFS stream names (`:…`), text
   * after NUL, and trailing dots and blanks.
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

/** Decodes each triplet to one character that stands for a byte. Other text stays. */
function decodeOnce(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
}

/** Maps full-width characters to ASCII, as code page conversions do. */
function bestFit(code: number): string {
  return String.fromCharCode(code >= 0xff01 && code <= 0xff5e ? code - 0xfee0 : code);
}

function upTo(text: string, end: RegExp): string {
  const at = text.search(end);
  return at === -1 ? text : text.slice(0, at);
}

/** Removes dot segments. */
function resolved(path: string): string[] {
  const kept: string[] = [];
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  return kept;
}
