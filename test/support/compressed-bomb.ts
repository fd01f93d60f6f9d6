import { gzipSync } from 'node:zlib';

/** A small compressed answer to a batch. It decompresses to `bytes` zeros. */
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
