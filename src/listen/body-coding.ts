/**
 * Codes whole bodies in one call. docs/decisions/021-compression.md has the measurements behind the parameters. A gzip
 * encoder with a window of 8 KiB takes 64 KiB of memory.
 */
import { brotliCompressSync, constants, createGzip, type Gzip, gzipSync } from 'node:zlib';
import type { Coding } from '../core/coding/offer.ts';

const gzipOptions = { level: 6, windowBits: 13, memLevel: 6 };

const brotliWindowBits = 16;
/** From this size on, a higher quality costs more time and saves almost no bytes. */
const longBodyBytes = 16_384;

/** Returns the coded body; `undefined` if it is not shorter. */
export function codedBody(coding: Coding, body: Buffer): Buffer | undefined {
  const coded = coding === 'gzip' ? gzipSync(body, gzipOptions) : brotli(body);
  return coded.length < body.length ? coded : undefined;
}

function brotli(body: Buffer): Buffer {
  return brotliCompressSync(body, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: body.length < longBodyBytes ? 3 : 2,
      [constants.BROTLI_PARAM_LGWIN]: brotliWindowBits,
      [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
    },
  });
}

/** Returns an encoder for a body that streams. */
export function createEncoder(): Gzip {
  return createGzip(gzipOptions);
}
