/** Decodes bodies of answers, and encodes them again. Only for small bodies, because it blocks the event loop. */
import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  inflateSync,
} from 'node:zlib';
import { headerValue, type RawHeaders } from '../core/messages/http-message.ts';

interface Coding {
  decode(body: Buffer, maxOutputLength: number): Buffer;
  encode(body: Buffer): Buffer;
}

/**
 * The low half of the first byte of a body in the zlib format. Some servers send `deflate` without that format (RFC
 * 9110 section 8.4.1.2).
 */
const zlibMethod = 8;

const brotliQuality = 4;

const codings: Readonly<Partial<Record<string, Coding>>> = {
  gzip: {
    decode: (body, maxOutputLength) => gunzipSync(body, { maxOutputLength }),
    encode: (body) => gzipSync(body),
  },
  deflate: {
    decode: (body, maxOutputLength) =>
      ((body[0] ?? 0) & 0x0f) === zlibMethod
        ? inflateSync(body, { maxOutputLength })
        : inflateRawSync(body, { maxOutputLength }),
    encode: (body) => deflateSync(body),
  },
  br: {
    decode: (body, maxOutputLength) => brotliDecompressSync(body, { maxOutputLength }),
    encode: (body) =>
      brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } }),
  },
};

const identity: Coding = { decode: (body) => body, encode: (body) => body };

/** Returns the coding with the name in `Content-Encoding`; `undefined` if the proxy does not know it. */
export function codingOf(contentEncoding: string | undefined): Coding | undefined {
  const name = contentEncoding?.trim().toLowerCase() ?? 'identity';
  if (name === '' || name === 'identity') return identity;
  return codings[name === 'x-gzip' ? 'gzip' : name];
}

/** Returns the decoded body; `undefined` if the body is malformed, or longer than `maxBytes`. */
export function decoded(coding: Coding, body: Buffer, maxBytes: number): Buffer | undefined {
  try {
    const bytes = coding.decode(body, maxBytes);
    return bytes.length > maxBytes ? undefined : bytes;
  } catch {
    return undefined;
  }
}

/** Limit for the text of an answer of an event channel with a content coding. */
const maxTextBytes = 1_048_576;

/** Returns the text of an answer; `undefined` if the answer is malformed, too long, or in an unknown coding. */
export function answerText(fields: RawHeaders, body: readonly Buffer[]): string | undefined {
  const coding = codingOf(headerValue(fields, 'content-encoding'));
  return coding && decoded(coding, Buffer.concat(body), maxTextBytes)?.toString();
}
