/** A certificate for servers on this machine. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { scratchFolder } from '../children/scratch.js';

/** @returns {{ cert: string, key: string }} files of a self-signed certificate */
export function makeCertificate() {
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(scratchFolder(), name));
  const [subject, names] = ['/CN=127.0.0.1', 'subjectAltName=IP:127.0.0.1'];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
  const args = ['req', '-x509', ...newKey, '-subj', subject, '-addext', names, '-out', cert];
  execFileSync('openssl', args, { stdio: 'pipe' });
  return { cert, key };
}
