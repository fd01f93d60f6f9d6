import { gzipSync } from 'node:zlib';

/** A small compressed answer to a batch. Decompression gives this number of bytes. */
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
