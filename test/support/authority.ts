import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onCleanup } from './cleanup.ts';

/** Paths of a certificate and its key, both in PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

interface Wanted {
  /** Subject alternative names. The default is the name and the address of this machine. */
  readonly names?: string;
  /** End of validity, as `YYYYMMDDHHMMSSZ`. */
  readonly until?: string;
}

const config = `[ca]
default_ca = tests
[tests]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
unique_subject = no
policy = any
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[leaf]
subjectAltName = $ENV::NAMES
extendedKeyUsage = serverAuth, clientAuth
`;

/** A certificate authority for one test, run with OpenSSL. */
export class Authority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'authority-'));

  constructor() {
    onCleanup(() => rmSync(this.#folder, { recursive: true }));
    writeFileSync(join(this.#folder, 'index.txt'), '');
    writeFileSync(join(this.#folder, 'ca.conf'), config);
    this.#make('ca', 'authority', {}, ['-selfsign', '-keyfile', 'ca.key']);
  }

  get cert(): string {
    return join(this.#folder, 'ca.pem');
  }

  issue(commonName: string, wanted: Wanted = {}): Issued {
    this.#make(commonName, 'leaf', wanted, ['-cert', 'ca.pem', '-keyfile', 'ca.key']);
    return {
      cert: join(this.#folder, `${commonName}.pem`),
      key: join(this.#folder, `${commonName}.key`),
    };
  }

  #make(name: string, section: string, wanted: Wanted, signer: readonly string[]): void {
    const { names = 'DNS:localhost, IP:127.0.0.1', until = '21200101000000Z' } = wanted;
    const openssl = (...args: readonly string[]): void =>
      void execFileSync('openssl', args, {
        cwd: this.#folder,
        env: { ...process.env, NAMES: names },
        stdio: 'pipe',
      });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const request = ['-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`];
    openssl('req', '-new', ...key, ...request);
    openssl(
      ...['ca', '-batch', '-notext', '-config', 'ca.conf', '-extensions', section],
      ...['-startdate', '20200101000000Z', '-enddate', until],
      ...['-in', `${name}.csr`, '-out', `${name}.pem`, ...signer],
    );
  }
}

/** Certificate files that the settings name and that a test replaces. */
export class ReplacedFiles {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mounted-'));
  readonly cert = join(this.#folder, 'tls.crt');
  readonly key = join(this.#folder, 'tls.key');
  readonly ca = join(this.#folder, 'ca.crt');

  constructor() {
    onCleanup(() => rmSync(this.#folder, { recursive: true }));
  }

  put(files: Partial<Record<'ca' | 'cert' | 'key', string>>): void {
    for (const name of ['ca', 'cert', 'key'] as const) {
      const from = files[name];
      if (from !== undefined) copyFileSync(from, this[name]);
    }
  }
}

export function readIssued({ cert, key }: Issued): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) };
}
