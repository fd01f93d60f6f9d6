/**
 * Decompresses an envelope. The proxy asks for no compression, but a pool or a server in front of it may
 * compress anyway. `BatchExchange` bounds the bytes before and after.
 */
import { createGunzip, createInflate } from 'node:zlib';

export interface Inflater {
  write(chunk: Buffer): void;
  /** Ends the input. `ended` or `failed` follows. */
  end(): void;
  /** Stops all output. */
  stop(): void;
}

export interface Inflated {
  data(chunk: Buffer): void;
  ended(): void;
  failed(): void;
}

/** Creates a decompressor for a coding of RFC 9110 section 8.4.1. */
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
