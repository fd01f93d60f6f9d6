/**
 * Answers to batches as odd servers might write them: a plain draft, and tricks that change the
 * draft.
 */
import type { Random } from '../../src/simulator/pool/prng.ts';

interface DraftPart {
  mime: string[];
  statusLine: string;
  fields: string[];
  body: string;
  /** The text between the head and the body. An empty gap leaves out the body. */
  gap: string;
}

export interface Draft {
  preamble: string;
  parts: DraftPart[];
  /** The text after the boundary in each delimiter line. */
  suffix: string;
  close: string;
  epilogue: string;
  /** A change of the whole text, made last. A second trick of this kind replaces the first. */
  bend: (text: string) => string;
}

export const boundary = 'batch-7f3a';

const bodies = [
  '',
  '{}',
  '{"a":1}',
  'text\r\n',
  '\r\n',
  'a\r\n\r\nb',
  '<x/>',
  '\xe9\xff',
  'x'.repeat(300),
];

export function plainDraft(random: Random): Draft {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const parts = Array.from({ length: 1 + Math.floor(random() * 4) }, (): DraftPart => {
    const body = pick(bodies);
    return {
      mime: ['Content-Type: application/http; msgtype=response'],
      statusLine: pick(['HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.0 503 Busy']),
      fields: pick([
        [],
        [`Content-Length: ${body.length}`],
        ['Content-Type: application/json', 'ETag: "1"'],
        ['Set-Cookie: a=1', 'Set-Cookie: b=2', 'X-A: caf\xe9'],
      ]).slice(),
      body,
      gap: '\r\n\r\n',
    };
  });
  return {
    preamble: '',
    parts,
    suffix: '',
    close: `--${boundary}--\r\n`,
    epilogue: '',
    bend: (text) => text,
  };
}

export function write(draft: Draft): Buffer {
  const text = draft.parts
    .map(({ mime, statusLine, fields, body, gap }) => {
      const head = [statusLine, ...fields].join('\r\n');
      return `--${boundary}${draft.suffix}\r\n${mime.map((f) => `${f}\r\n`).join('')}\r\n${head}${gap}${gap === '' ? '' : body}\r\n`;
    })
    .join('');
  return Buffer.from(draft.bend(draft.preamble + text + draft.close + draft.epilogue), 'latin1');
}

type Trick = (draft: Draft, part: DraftPart, random: Random) => void;

const field =
  (text: string): Trick =>
  (_, part) =>
    void part.fields.push(text);
const statusLine =
  (text: string): Trick =>
  (_, part) =>
    void (part.statusLine = text);
const body =
  (text: string): Trick =>
  (_, part) => {
    part.body = text;
    part.fields = part.fields.filter((name) => !name.startsWith('Content-Length'));
  };
const length =
  (difference: number, more = ''): Trick =>
  (_, part) => {
    part.fields = part.fields.filter((name) => !name.startsWith('Content-Length'));
    part.fields.push(`Content-Length: ${Math.max(0, part.body.length + difference)}`);
    part.body += more;
  };
const bend =
  (how: (text: string, random: Random) => string): Trick =>
  (draft, _, random) =>
    void (draft.bend = (text) => how(text, random));

export const tricks: Readonly<Record<string, Trick>> = {
  'a preamble': (draft) => void (draft.preamble = 'This is a batch.\r\n'),
  'an empty line first': (draft) => void (draft.preamble = '\r\n'),
  'an epilogue': (draft) => void (draft.epilogue = `bye\r\n--${boundary}\r\n`),
  'blanks after delimiters': (draft) => void (draft.suffix = ' \t'),
  'blanks after the close delimiter': (draft) => void (draft.close = `--${boundary}-- \r\n`),
  'no line end at the end': (draft) => void (draft.close = `--${boundary}--`),
  'no close delimiter': (draft) => void (draft.close = ''),
  'an ordinary delimiter at the end': (draft) => void (draft.close = `--${boundary}\r\n`),
  'no part': (draft) => void (draft.parts = []),
  'no delimiter': bend((text) => text.replaceAll(boundary, 'other')),
  'a cut': bend((text, random) => text.slice(0, Math.floor(random() * text.length))),
  'bare line feeds': bend((text) => text.replaceAll('\r\n', '\n')),
  'a part without a header': (_, part) => void (part.mime = []),
  'more fields in the part header': (_, part) => void part.mime.push('Content-ID: <1>', 'X-B: c'),
  'a wrong length in the part header': (_, part) => void part.mime.unshift('Content-Length: 3'),
  'a part of another type': (_, part) => void (part.mime = ['Content-Type: text/html']),
  'a part in binary': (_, part) => void part.mime.push('Content-Transfer-Encoding: binary'),
  'a part in base64': (_, part) => void part.mime.push('Content-Transfer-Encoding: base64'),
  'a part that is empty': bend((text) =>
    text.replace(`--${boundary}\r\n`, `--${boundary}\r\n\r\n--${boundary}\r\n`),
  ),
  'two delimiters in a row': bend((text) =>
    text.replace(`--${boundary}\r\n`, `--${boundary}\r\n--${boundary}\r\n`),
  ),
  'a delimiter after a bare line feed': body(`a\n--${boundary}\r\nb`),
  'a delimiter line that ends in a bare line feed': body(`a\r\n--${boundary}\nb`),
  'a longer boundary in a body': body(`a\r\n--${boundary}X\r\nb`),
  'a boundary and one dash in a body': body(`a\r\n--${boundary}-\r\nb`),
  'a delimiter in the middle of a line': body(`a --${boundary}\r\nb`),
  'a boundary without dashes': body(`a\r\n${boundary}\r\nb`),
  'a batch in a body': body(
    '--other\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\r\n\r\n--other--\r\n',
  ),
  'a message in a body': body('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  'a NUL in a body': body('a\0b'),
  'a bare carriage return in a body': body('a\rb\r'),
  'a byte order mark': body('\xef\xbb\xbf{"a":1}'),
  'a length that is too small': length(-1),
  'a length that is too large': length(9),
  'a length without the last line end': length(0, '\r\n'),
  'two lengths that differ': (_, part) =>
    void part.fields.push('Content-Length: 1', 'Content-Length: 2'),
  'a length that is none': field('Content-Length: +1'),
  chunks: (_, part) => {
    part.fields = ['Transfer-Encoding: chunked'];
    part.body = '2\r\nab\r\n0\r\n\r\n';
  },
  'a folded field': field('X-Folded: a\r\n b'),
  'a blank before a colon': field('X-Blank : a'),
  'an empty value': field('X-Empty:'),
  'a field without a colon': field('nonsense'),
  'a name that is none': field('X(Y): a'),
  'a control character in a value': field('X-Control: a\x01b'),
  'no empty line after the head': (_, part) => {
    part.gap = '';
  },
  'no reason': statusLine('HTTP/1.1 200'),
  'an empty reason': statusLine('HTTP/1.1 200 '),
  'a reason beyond ASCII': statusLine('HTTP/1.1 200 Gr\xfc\xdfe'),
  'a status below 100': statusLine('HTTP/1.1 99 Low'),
  'a status above 599': statusLine('HTTP/1.1 600 High'),
  'a status of four digits': statusLine('HTTP/1.1 2000 Long'),
  'an interim status': statusLine('HTTP/1.1 101 Switching Protocols'),
  'another version': statusLine('HTTP/2.0 200 OK'),
  'no status line': statusLine('nonsense'),
  '204 with a body': statusLine('HTTP/1.1 204 No Content'),
  '304 with the length of what it does not send': (_, part) => {
    part.statusLine = 'HTTP/1.1 304 Not Modified';
    part.fields = ['Content-Length: 50'];
    part.body = '';
  },
};
