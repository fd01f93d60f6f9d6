/** What there is in the world of `ConnectionModel`, and what its clients send. */
import type { ConnectionLabel, Owner } from '../../src/core/connection-label.ts';

/** What is planted. `noLabels`: nothing checks whose a connection is. */
export interface Planted {
  readonly bindsTooLate?: boolean;
  readonly bindsOnCredentialOnly?: boolean;
  readonly bindsOnChallengeOnly?: boolean;
  readonly givesBackAfterAbort?: boolean;
  /** The scheme that is taken for a self-contained one. */
  readonly overlooks?: string;
  readonly noLabels?: boolean;
}

/**
 * - `open`: answered to everybody. `ticket`: 401 with a challenge unless the connection is signed in.
 * - `first`, `last`: the messages of an NTLM handshake. `only`: one message that signs in (Kerberos).
 */
export type Kind = 'open' | 'ticket' | 'first' | 'last' | 'only' | 'bearer';

export type Event =
  | {
      readonly kind: 'send';
      readonly client: number;
      readonly what: Kind;
      readonly on: number | 'new';
    }
  | { readonly kind: 'answer' | 'leave'; readonly client: number }
  | { readonly kind: 'close'; readonly connection: number }
  | { readonly kind: 'drain' | 'restart' };

export type Wrong = 'answered as somebody else' | 'not its own connection' | 'violation';

export interface Client {
  readonly name: string;
  /** `undefined`: never signs in by connection. */
  readonly scheme: string | undefined;
  /** Its connection to the proxy: another object after it left. */
  socket: object;
  isBound: boolean;
  /** It was given a challenge on this connection. */
  wasChallenged: boolean;
  /** It has the answer to its first message. */
  inHandshake: boolean;
  request: Request | undefined;
}

export interface Request {
  readonly what: Kind;
  readonly on: Connection;
}

export interface Connection {
  readonly id: number;
  readonly owner: Owner;
  readonly label: ConnectionLabel;
  /** Whom the pool has signed in there. */
  user: string | undefined;
  /** Whose first message the pool has answered there. */
  begun: string | undefined;
}

/** What the client may send next. */
export function kindsOf({ scheme, inHandshake }: Client): Kind[] {
  if (scheme === undefined) return ['open', 'bearer'];
  return inHandshake ? ['last', 'open', 'bearer'] : ['ticket', 'first', 'only', 'open'];
}

export function fieldsOf({ name, scheme = '' }: Client, what: Kind): string[] {
  if (what === 'first') return ['Authorization', `${scheme} T1`];
  if (what === 'last' || what === 'only') return ['Authorization', `${scheme} ${what}-${name}`];
  return what === 'bearer' ? ['Authorization', `Bearer ${name}`] : [];
}
