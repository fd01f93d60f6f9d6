/** Requests with Accept-Encoding, and the fields and decoded bodies of their answers. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { RawAnswer } from './raw-client.ts';

export interface Asked {
  readonly accept?: string;
  readonly fields?: string;
  readonly method?: string;
  readonly body?: string;
}

export function request(
  target: string,
  { accept, fields = '', method = 'GET', body }: Asked = {},
): string {
  const codings = accept === undefined ? '' : `Accept-Encoding: ${accept}\r\n`;
  const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`;
  const head = `${method} ${target} HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer cwt=sim-ann\r\n`;
  return `${head}${codings}${fields}${length}\r\n${body ?? ''}`;
}

export function field(answer: RawAnswer, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)$`, 'im').exec(answer.head)?.[1];
}

/** The decoded body. Throws if the body is coded twice, or is not coded. */
export function decoded(answer: RawAnswer): string {
  const coding = field(answer, 'content-encoding');
  const decode = coding === 'br' ? brotliDecompressSync : gunzipSync;
  return (coding === undefined ? answer.body : decode(answer.body)).toString();
}
