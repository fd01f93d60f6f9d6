import { hash, randomBytes } from 'node:crypto';
import type { NameUser } from '../core/admit/request-head-cache.ts';

/**
 * Returns a function that names users by the SHA-256 of a random key and their credentials. A name has 43
 * characters for each length of a token. The memory for a user therefore has a fixed size, and contains no
 * token.
 *
 * Two credentials get the same name only by a collision of SHA-256 under a secret key. Their users would then
 * share limits, but no batch: batches compare the credentials.
 */
export function createUserNames(): NameUser {
  const key = randomBytes(32).toString('hex');
  return (credentials) => hash('sha256', key + credentials, 'base64url');
}
