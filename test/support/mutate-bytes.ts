import type { Random } from '../../src/simulator/pool/prng.ts';

/** Texts that matter to a reader of batch answers. */
const tokens = [
  ...['\r\n', '\n', '\r', '\r\n\r\n', '\n\n', '--', ' ', '\t', ':', '\0', '\xff', '%BOUNDARY%'],
  ...['--%BOUNDARY%', '\r\n--%BOUNDARY%', '\r\n--%BOUNDARY%\r\n', '\n--%BOUNDARY%\n'],
  ...['\r\n--%BOUNDARY%--', '\r\n--%BOUNDARY%--\r\n', '--%BOUNDARY%X', '\r\n--%BOUNDARY%-\r\n'],
  ...['HTTP/1.1 200 OK\r\n', 'HTTP/1.1 99 ', 'HTTP/2 200\r\n', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ...['Content-Length: 0\r\n', 'Content-Length: 99999999999999999999\r\n', 'Content-Length: 5\r\n'],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Content-Type: text/html\r\n',
    'A: b\r\n c\r\n',
    'A : b\r\n',
  ],
  ...['Content-Transfer-Encoding: base64\r\n', 'Content-Type: application/http\r\n\r\n', '\ufeff'],
];

/** Makes one to four small changes, of a kind that confuses parsers. */
export function mutate(bytes: Buffer, boundary: string, random: Random): Buffer {
  let mutant = bytes;
  const rounds = 1 + Math.floor(random() * 4);
  for (let round = 0; round < rounds; round += 1) mutant = mutateOnce(mutant, boundary, random);
  return mutant;
}

function mutateOnce(bytes: Buffer, boundary: string, random: Random): Buffer {
  const below = (bound: number): number => Math.floor(random() * bound);
  const at = below(bytes.length + 1);
  const to = Math.min(bytes.length, at + below(random() < 0.8 ? 16 : bytes.length));
  const replaced = (from: number, until: number, by: Buffer): Buffer =>
    Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(until)]);
  switch (below(9)) {
    case 0: {
      const copy = Buffer.from(bytes);
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << below(8));
      return copy;
    }
    case 1:
      return replaced(at, to, Buffer.alloc(0));
    case 2:
      return replaced(at, at, bytes.subarray(at, to));
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return bytes.subarray(at);
    case 5:
      return Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
    case 6: {
      const start = below(bytes.length + 1);
      return replaced(at, at, bytes.subarray(start, start + 64));
    }
    default: {
      const token = (tokens[below(tokens.length)] ?? '').replace('%BOUNDARY%', boundary);
      return replaced(at, random() < 0.5 ? at : to, Buffer.from(token, 'latin1'));
    }
  }
}
