import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { poolsOf } from './pools.ts';
import type { Settings } from './schema.ts';

/**
 * Contents of the PEM files of the settings. `tls-renewal.ts` reads them again; `serve` and `check-config`
 * check them.
 */
export interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

type FileSettings = Readonly<Record<'ca' | 'cert' | 'key', string | undefined>>;

/** Reads the PEM files of one section, such as `listen.tls` or `upstream.tls`. Throws what `readFile` throws. */
export function readTlsFiles(
  files: Partial<FileSettings>,
  readFile: (path: string) => Buffer,
): TlsFiles {
  return {
    ...(files.ca === undefined ? {} : { ca: readFile(files.ca) }),
    ...(files.cert === undefined ? {} : { cert: readFile(files.cert) }),
    ...(files.key === undefined ? {} : { key: readFile(files.key) }),
  };
}

/**
 * Returns the problems with the TLS files, one line each: a file that cannot be read, a file without
 * PEM data, or a key that does not match its certificate.
 */
export function tlsProblems(settings: Settings, readFile: (path: string) => Buffer): string[] {
  const { listen, upstream } = settings;
  const pools = poolsOf(settings).map(({ tlsSection, tls }) => [tlsSection, tls] as const);
  const sections = new Map([['upstream.tls', upstream.tls], ...pools]);
  return [
    ...problemsOf('listen.tls', mainPair(listen.tls), readFile),
    ...listen.tls.certs.flatMap((pair, i) =>
      problemsOf(`listen.tls.certs[${i}]`, pair, readFile, true),
    ),
    ...[...sections].flatMap(([section, tls]) => problemsOf(section, tls, readFile)),
  ];
}

/** The paths of the certificate that clients see if they ask for no name of another one. */
export function mainPair({ cert, key }: Settings['listen']['tls']): Partial<FileSettings> {
  return { cert, key };
}

function problemsOf(
  section: string,
  files: Partial<FileSettings>,
  readFile: (path: string) => Buffer,
  needsNames = false,
): string[] {
  const problems: string[] = [];
  const sound: Partial<Record<keyof FileSettings, string>> = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    const path = files[name];
    if (path === undefined) continue;
    try {
      const text = readFile(path).toString('latin1');
      if (!text.includes('-----BEGIN ')) throw new Error('holds no PEM data');
      sound[name] = path;
    } catch (error) {
      problems.push(`${section}.${name}: cannot be used: ${messageOf(error)}`);
    }
  }
  if (problems.length > 0) return problems;
  try {
    const read = readTlsFiles(sound, readFile);
    createSecureContext(read);
    if (needsNames && !/\bDNS:/.test(new X509Certificate(read.cert ?? '').subjectAltName ?? '')) {
      problems.push(`${section}.cert: cannot be used: holds no DNS name, so no client asks for it`);
    }
  } catch (error) {
    problems.push(`${section}: the files cannot be used together: ${messageOf(error)}`);
  }
  return problems;
}

function messageOf(error: unknown): string {
  const { message } = error as { readonly message?: unknown };
  return typeof message === 'string' ? message : String(error);
}
