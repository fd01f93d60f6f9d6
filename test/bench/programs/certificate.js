/** A certificate for servers on this machine. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchFolder } from '../children/scratch.js';

/**
 * @returns {{ cert: string, key: string, both: string }} files of a self-signed certificate; `both` is
 *   for HAProxy
 */
export function makeCertificate() {
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(scratchFolder(), name));
  const [subject, names] = ['/CN=127.0.0.1', 'subjectAltName=IP:127.0.0.1'];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
  const args = ['req', '-x509', ...newKey, '-subj', subject, '-addext', names, '-out', cert];
  execFileSync('openssl', args, { stdio: 'pipe' });
  const both = join(scratchFolder(), 'both.pem');
  writeFileSync(both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  return { cert, key, both };
}
