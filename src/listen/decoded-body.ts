import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { headerValue, type RawHeaders } from '../core/messages/http-message.ts';

const decoders: ReadonlyMap<string, typeof gunzipSync> = new Map([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateSync],
  ['br', brotliDecompressSync],
]);

/**
 * Returns the text of a body, decoded by its `Content-Encoding`. Returns `undefined` for a coding that is not
 * known, for a malformed body, and for a text that is longer than `maxBytes`.
 */
export function decodedBody(
  fields: RawHeaders,
  body: readonly Buffer[],
  maxBytes: number,
): string | undefined {
  const whole = Buffer.concat(body);
  const coding = headerValue(fields, 'content-encoding')?.toLowerCase() ?? 'identity';
  if (coding === 'identity') return whole.length > maxBytes ? undefined : whole.toString();
  try {
    return decoders.get(coding)?.(whole, { maxOutputLength: maxBytes }).toString();
  } catch {
    return undefined;
  }
}
