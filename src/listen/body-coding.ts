/**
 * Codes bodies and pieces of them, each in one call. docs/decisions/021-compression.md has the measurements behind the
 * parameters. A gzip encoder with a window of 8 KiB takes 64 KiB of memory.
 */
import {
  brotliCompressSync,
  constants,
  crc32,
  createGzip,
  deflateRawSync,
  type Gzip,
  gzipSync,
} from 'node:zlib';
import type { Coding } from '../core/coding/offer.ts';

const gzipOptions = { level: 6, windowBits: 13, memLevel: 6 };

const brotliWindowBits = 16;
/** From this size on, a higher quality costs more time and saves almost no bytes. */
const longBodyBytes = 16_384;

/** Returns the coded body; `undefined` if it is not shorter. */
export function codedBody(coding: Coding, body: Buffer): Buffer | undefined {
  const coded = coding === 'gzip' ? gzipped(body) : brotli(body);
  return coded.length < body.length ? coded : undefined;
}

export function gzipped(body: Buffer): Buffer {
  return gzipSync(body, gzipOptions);
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

/**
 * Codes a body piece by piece with gzip (RFC 1952), and has no memory in between. The pieces share no window, so they
 * become longer than with an encoder. Each ends at a byte (`Z_SYNC_FLUSH`), so the client can read it at once.
 */
export class GzipPieces {
  #crc = 0;
  #bytes = 0;
  #isBegun = false;

  code(piece: Buffer): Buffer {
    const head = this.#head();
    if (piece.length === 0) return head;
    this.#crc = crc32(piece, this.#crc);
    this.#bytes += piece.length;
    const coded = deflateRawSync(piece, { ...gzipOptions, finishFlush: constants.Z_SYNC_FLUSH });
    return Buffer.concat([head, coded]);
  }

  /** Returns the bytes behind the last piece: an empty last block, the checksum and the length. */
  end(): Buffer {
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(this.#crc, 0);
    trailer.writeUInt32LE(this.#bytes % 2 ** 32, 4);
    return Buffer.concat([this.#head(), Buffer.from([0x03, 0x00]), trailer]);
  }

  #head(): Buffer {
    if (this.#isBegun) return Buffer.alloc(0);
    this.#isBegun = true;
    return Buffer.from([0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0xff]);
  }
}
