/** Chooses the certificate of a TLS connection by the server name (SNI) that the client asks for. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';

/** A certificate chain and its private key, in PEM. */
export interface CertificatePair {
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

interface Certificate {
  readonly leaf: X509Certificate;
  readonly context: SecureContext;
}

export class Certificates {
  readonly #all: readonly Certificate[];

  /** @throws if a pair cannot be used */
  constructor(pairs: readonly CertificatePair[], options: SecureContextOptions) {
    this.#all = pairs.map((pair) => ({
      leaf: new X509Certificate(pair.cert ?? ''),
      context: createSecureContext({ ...options, ...pair }),
    }));
  }

  /**
   * Returns the certificate for this name. A certificate with exactly this name goes before one with a wildcard.
   *
   * @returns `undefined` if none has the name; the main certificate then serves the connection
   */
  find(serverName: string): SecureContext | undefined {
    const find = (wildcards: boolean): Certificate | undefined =>
      this.#all.find(({ leaf }) => hasName(leaf, serverName, wildcards));
    return (find(false) ?? find(true))?.context;
  }
}

function hasName(leaf: X509Certificate, name: string, wildcards: boolean): boolean {
  return (
    leaf.checkHost(name, { subject: 'never', wildcards, partialWildcards: false }) !== undefined
  );
}
