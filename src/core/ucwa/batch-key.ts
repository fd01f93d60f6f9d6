/**
 * Step 4: which calls may share a batch. UCWA takes the credentials of all parts from the envelope. A part in
 * another user's batch would run with that user's rights. So the key contains all fields that the envelope
 * carries for its parts, and keys are compared byte for byte.
 */
import { type ForwardedFields, sameForwarded } from '../messages/forwarded-fields.ts';

/** Two calls may share a batch only if all fields of their keys are equal, except `user`. */
export interface BatchKey {
  /** The `Host` of the envelope and of its parts. */
  readonly authority: string;
  /** `/ucwa/oauth/v1/applications/1045`, as the caller spelled it. */
  readonly applicationPath: string;
  readonly authorization: string | undefined;
  readonly webTicket: string | undefined;
  readonly cookie: string | undefined;
  readonly origin: string | undefined;
  readonly msOrigin: string | undefined;
  readonly minVersion: string | undefined;
  /** The description of the client on the envelope. */
  readonly forwarded: ForwardedFields;
  /**
   * The name of the user: a hash of the credentials, of a fixed size. Counters and learned state are stored under
   * this name. `sameKey` compares the credentials themselves instead.
   */
  readonly user: string;
}

/**
 * Returns the key of a call.
 *
 * @param facts the fields of the request head; see `readHead`
 * @param authority see `BatchKey.authority`
 * @param forwarded see `BatchKey.forwarded`
 * @param user see `BatchKey.user`; by default the credentials themselves
 */
export function batchKey(
  applicationPath: string,
  facts: Omit<BatchKey, 'applicationPath' | 'authority' | 'forwarded' | 'user'>,
  authority: string,
  forwarded: ForwardedFields,
  user = credentialsOf(facts),
): BatchKey {
  return {
    authority,
    applicationPath,
    authorization: facts.authorization,
    webTicket: facts.webTicket,
    cookie: facts.cookie,
    origin: facts.origin,
    msOrigin: facts.msOrigin,
    minVersion: facts.minVersion,
    forwarded,
    user,
  };
}

/** Whether calls with these keys may share a batch. */
export function sameKey(a: BatchKey, b: BatchKey): boolean {
  if (a === b) return true;
  return (
    a.applicationPath === b.applicationPath &&
    a.authority === b.authority &&
    a.authorization === b.authorization &&
    a.webTicket === b.webTicket &&
    a.cookie === b.cookie &&
    a.origin === b.origin &&
    a.msOrigin === b.msOrigin &&
    a.minVersion === b.minVersion &&
    sameForwarded(a.forwarded, b.forwarded)
  );
}

/**
 * Returns the exact credentials of a request as one string; empty without credentials. No field value contains
 * a line feed, so two different pairs of credentials never give the same string. The string is a secret: never
 * log it.
 */
export function credentialsOf(key: Pick<BatchKey, 'authorization' | 'webTicket'>): string {
  if (key.webTicket === undefined) return key.authorization ?? '';
  return `${key.authorization ?? ''}\n${key.webTicket}`;
}
