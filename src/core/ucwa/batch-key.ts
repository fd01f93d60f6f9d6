/**
 * Step 4: who may share. The pool takes the credential of a batch from its envelope, so whoever got
 * a part into somebody else's batch would act as that person: everything that the envelope says on
 * behalf of its parts is compared byte for byte.
 */

/** The fields of one key. Two calls may share a batch only when all of them are equal. */
export interface BatchKey {
  /** `/ucwa/oauth/v1/applications/1045`, as spelt. */
  readonly applicationPath: string;
  readonly authorization: string | undefined;
  readonly webTicket: string | undefined;
  readonly cookie: string | undefined;
  readonly origin: string | undefined;
  readonly msOrigin: string | undefined;
  readonly minVersion: string | undefined;
  /** What the envelope will say as `X-Forwarded-For`; `undefined` unless a trusted proxy said it. */
  readonly forwardedFor: string | undefined;
  /**
   * The name of the user: a hash of the credentials, of a fixed size. It names what is counted and
   * remembered of the user. Whether calls may share a batch is told by the credentials themselves.
   */
  readonly user: string;
}

export function batchKey(
  applicationPath: string,
  facts: Omit<BatchKey, 'applicationPath' | 'forwardedFor' | 'user'>,
  forwardedFor: string | undefined,
  user = credentialsOf(facts),
): BatchKey {
  return {
    applicationPath,
    authorization: facts.authorization,
    webTicket: facts.webTicket,
    cookie: facts.cookie,
    origin: facts.origin,
    msOrigin: facts.msOrigin,
    minVersion: facts.minVersion,
    forwardedFor,
    user,
  };
}

export function sameKey(a: BatchKey, b: BatchKey): boolean {
  if (a === b) return true;
  return (
    a.applicationPath === b.applicationPath &&
    a.authorization === b.authorization &&
    a.webTicket === b.webTicket &&
    a.cookie === b.cookie &&
    a.origin === b.origin &&
    a.msOrigin === b.msOrigin &&
    a.minVersion === b.minVersion &&
    a.forwardedFor === b.forwardedFor
  );
}

/**
 * The exact credentials of a request in one string. A line feed is in no field value, so no two pairs of
 * credentials have one string. Never shown: it is a secret.
 */
export function credentialsOf(key: Pick<BatchKey, 'authorization' | 'webTicket'>): string {
  if (key.webTicket === undefined) return key.authorization ?? '';
  return `${key.authorization ?? ''}\n${key.webTicket}`;
}
