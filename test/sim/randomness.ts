/** All randomness of the process comes from the seed. */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { mulberry32 } from '../../src/simulator/pool/prng.ts';

const require = createRequire(import.meta.url);

export class Randomness {
  #random = mulberry32(0);

  reset(seed: number): void {
    this.#random = mulberry32(seed);
  }

  /** Replaces the sources of randomness of this process. */
  install(): void {
    const next = (): number => this.#random();
    const randomBytes = (size: number): Buffer =>
      Buffer.from(Array.from({ length: size }, () => Math.floor(next() * 256)));
    const hex = (size: number): string => randomBytes(size).toString('hex');
    Math.random = next;
    Object.assign(require('node:crypto') as object, {
      randomBytes,
      randomUUID: () => `${hex(4)}-${hex(2)}-4${hex(2).slice(1)}-8${hex(2).slice(1)}-${hex(6)}`,
    });
    syncBuiltinESMExports();
  }
}
