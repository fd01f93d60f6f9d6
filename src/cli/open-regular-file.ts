import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Returns the bytes of a file as a stream, which fails if the file can be read only once, as a pipe. */
export async function* openRegularFile(path: string): AsyncGenerator<Uint8Array> {
  // Opening a pipe would wait for its writer, so the check comes first.
  if (!(await stat(path)).isFile()) {
    throw new Error('expected a regular file, because logs are read more than once');
  }
  yield* createReadStream(path) as AsyncIterable<Uint8Array>;
}
