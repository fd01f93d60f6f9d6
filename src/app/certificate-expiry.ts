/** Reads the end of the validity of certificates in PEM files. */
import { X509Certificate } from 'node:crypto';

const known = new WeakMap<Buffer, number>();
const blocks = /-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs;

/**
 * Returns when the first certificate of the chain expires, in ms since 1970.
 *
 * @returns Infinity without a certificate
 */
export function chainEndsAtMs(pem: Buffer | undefined): number {
  if (pem === undefined) return Infinity;
  let endsAtMs = known.get(pem);
  if (endsAtMs === undefined) {
    const chain = pem.toString('latin1').match(blocks) ?? [];
    endsAtMs = Math.min(...chain.map((block) => endOf(block)));
    known.set(pem, endsAtMs);
  }
  return endsAtMs;
}

function endOf(block: string): number {
  try {
    const endsAtMs = Date.parse(new X509Certificate(block).validTo);
    return Number.isNaN(endsAtMs) ? Infinity : endsAtMs;
  } catch {
    return Infinity;
  }
}
