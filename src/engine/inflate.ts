/**
 * Undoes the coding of an envelope. We ask for none, but a pool or something in front of it may
 * compress all the same. What comes out is counted by who takes it, so that a few bytes cannot
 * become many.
 */
import { createGunzip, createInflate } from 'node:zlib';

export interface Inflater {
  write(chunk: Buffer): void;
  /** No more comes: `ended` follows, or `failed`. */
  end(): void;
  /** Nothing is said any more. */
  stop(): void;
}

export interface Inflated {
  data(chunk: Buffer): void;
  ended(): void;
  failed(): void;
}

/** For a coding of RFC 9110 section 8.4.1 that is known, in any case. */
export function createInflater(coding: 'gzip' | 'deflate', to: Inflated): Inflater {
  const stream = coding === 'gzip' ? createGunzip() : createInflate();
  let stopped = false;
  stream.on('data', (chunk: Buffer) => {
    if (!stopped) to.data(chunk);
  });
  stream.on('end', () => {
    if (!stopped) to.ended();
  });
  stream.on('error', () => {
    if (!stopped) to.failed();
  });
  return {
    write: (chunk) => void stream.write(chunk),
    end: () => void stream.end(),
    stop() {
      stopped = true;
      stream.destroy();
    },
  };
}
