import { gzipSync } from 'node:zlib';

/** An answer to a batch, in few bytes, that becomes so many. */
export function compressedBomb(bytes: number): {
  body: Buffer;
  contentType: string;
  headers: readonly string[];
} {
  return {
    body: gzipSync(Buffer.alloc(bytes)),
    contentType: 'multipart/batching; boundary="B"',
    headers: ['Content-Encoding', 'gzip'],
  };
}
