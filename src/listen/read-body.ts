import type { IncomingMessage } from 'node:http';

const nothing = Buffer.alloc(0);

/**
 * Calls back with a body whose length was announced, once it is whole; never, if the client leaves
 * first. At once where the length is 0.
 */
export function readBody(
  request: IncomingMessage,
  lengthBytes: number,
  done: (body: Buffer) => void,
): void {
  if (lengthBytes === 0) {
    done(nothing);
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () =>
    done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)),
  );
}
