import { createSecureContext } from 'node:tls';
import { readTlsFiles, type TlsFiles } from './tls-files.ts';

export interface TlsRenewalObserver {
  /** Other files are in force from now on. */
  renewed(): void;
  /** The files have changed and cannot be used as they are; the last good ones stay in force. */
  unusable(reason: string): void;
}

/**
 * The TLS files of one side, which may be replaced while we run, as certificates are. They are read
 * again and again instead of being watched: Kubernetes replaces them by a link to another folder,
 * which watching misses. Until all of them fit together (a new key is written before or after its
 * certificate) the old ones stay.
 */
export class TlsRenewal {
  readonly #paths: Parameters<typeof readTlsFiles>[0];
  readonly #readFile: (path: string) => Buffer;
  readonly #observer: TlsRenewalObserver;
  #current: TlsFiles;
  #complaint = '';

  /** Throws what reading throws. */
  constructor(
    paths: Parameters<typeof readTlsFiles>[0],
    readFile: (path: string) => Buffer,
    observer: TlsRenewalObserver,
  ) {
    this.#paths = paths;
    this.#readFile = readFile;
    this.#observer = observer;
    this.#current = readTlsFiles(paths, readFile);
  }

  /** The same object until other files are in force. */
  get current(): TlsFiles {
    return this.#current;
  }

  check(): void {
    try {
      const read = readTlsFiles(this.#paths, this.#readFile);
      if (sameFiles(read, this.#current)) return;
      createSecureContext(read);
      this.#current = read;
    } catch (error) {
      this.#complain(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#complaint = '';
    this.#observer.renewed();
  }

  /** Once, not at every check. */
  #complain(reason: string): void {
    if (reason === this.#complaint) return;
    this.#complaint = reason;
    this.#observer.unusable(reason);
  }
}

function sameFiles(a: TlsFiles, b: TlsFiles): boolean {
  const isSame = (one: Buffer | undefined, other: Buffer | undefined): boolean =>
    one === undefined || other === undefined ? one === other : one.equals(other);
  return isSame(a.ca, b.ca) && isSame(a.cert, b.cert) && isSame(a.key, b.key);
}
