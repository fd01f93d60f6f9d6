import { createHmac, hash } from 'node:crypto';
import type { NameUser } from '../core/admit/request-head-cache.ts';

/** Names of users inside the process, and the short hashes of these names in the log. */
export interface UserNames {
  /**
   * Returns the SHA-256 of the key, the pool and the credentials. A name has 43 characters for each length of a token. The
   * memory for a user therefore has a fixed size, and contains no token.
   *
   * Two credentials get the same name only by a collision of SHA-256 under a secret key. Their users would then
   * share limits, but no batch: batches compare the credentials.
   */
  readonly nameUser: NameUser;
  /** Returns the 8 hexadecimal digits by which the log shows the user with this name. */
  readonly hashOf: (name: string) => string;
}

/** @param key secret. Processes with the same key show the same hashes. */
export function createUserNames(key: Buffer): UserNames {
  const nameKey = createHmac('sha256', key).update('names of users').digest('hex');
  return {
    // No name of a pool, and no credential, contains NUL.
    nameUser: (credentials, poolName) =>
      hash('sha256', `${nameKey}${poolName}\0${credentials}`, 'base64url'),
    hashOf: (name) => createHmac('sha256', key).update(name).digest('hex').slice(0, 8),
  };
}
