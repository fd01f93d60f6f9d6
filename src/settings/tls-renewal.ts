import { createSecureContext } from 'node:tls';
import { readTlsFiles, type TlsFiles } from './tls-files.ts';

export interface TlsRenewalObserver {
  /** New files are in use from now on. */
  renewed(): void;
  /** The files changed, but cannot be used. The previous files stay in use. */
  unusable(reason: string): void;
}

/**
 * The TLS files of one section, which can be replaced while the proxy runs. `check` reads the files
 * again. The files are not watched, because Kubernetes replaces the folder link, which a watch misses.
 *
 * A new certificate and its key are not written at the same moment. The previous files stay in use
 * until the new files match.
 */
export class TlsRenewal {
  readonly #paths: Parameters<typeof readTlsFiles>[0];
  readonly #readFile: (path: string) => Buffer;
  readonly #observer: TlsRenewalObserver;
  #current: TlsFiles;
  #complaint = '';

  /** Throws what `readFile` throws. */
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

  /** The files in use. This is the same object until the files are replaced. */
  get current(): TlsFiles {
    return this.#current;
  }

  /** Reads the files again, and uses them if they changed and match. */
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

  /** Reports a reason once, not at every check. */
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
