import { hash, randomBytes } from 'node:crypto';
import type { NameUser } from '../core/admit/known-heads.ts';

/**
 * Names users by SHA-256 of a random key and their credentials: 43 characters, however long a token is. So
 * what is remembered of users has a fixed size, and holds no token. Two credentials with one name would
 * need a collision of SHA-256 under a key that nobody knows; and users of one name would share limits
 * and caps, never a batch, for which the credentials themselves are compared.
 */
export function createUserNames(): NameUser {
  const key = randomBytes(32).toString('hex');
  return (credentials) => hash('sha256', key + credentials, 'base64url');
}
