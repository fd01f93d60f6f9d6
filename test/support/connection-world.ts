/** The clients, requests and connections of a `ConnectionModel`, and the requests that its clients can send. */
import type { ConnectionLabel, Owner } from '../../src/core/connection-label.ts';

/** The planted fault. `noLabels`: no label checks which client a connection belongs to. */
export interface Planted {
  readonly bindsTooLate?: boolean;
  readonly bindsOnCredentialOnly?: boolean;
  readonly bindsOnChallengeOnly?: boolean;
  readonly givesBackAfterAbort?: boolean;
  /** The scheme that the proxy wrongly takes for a self-contained one. */
  readonly overlooks?: string;
  readonly noLabels?: boolean;
}

/**
 * - `open`: answered to each client. `ticket`: 401 with a challenge unless the connection is signed in.
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
  /** `undefined`: the client never signs in by connection. */
  readonly scheme: string | undefined;
  /** The client's connection to the proxy. After the client leaves, another object stands here. */
  socket: object;
  isBound: boolean;
  /** Whether this connection got a challenge. */
  wasChallenged: boolean;
  /** Whether the client has the answer to its first handshake message. */
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
  /** The user whom the pool has signed in on this connection. */
  user: string | undefined;
  /** The user who began a handshake on this connection. */
  begun: string | undefined;
}

/** Returns the kinds of request that the client can send next. */
export function kindsOf({ scheme, inHandshake }: Client): Kind[] {
  if (scheme === undefined) return ['open', 'bearer'];
  return inHandshake ? ['last', 'open', 'bearer'] : ['ticket', 'first', 'only', 'open'];
}

export function fieldsOf({ name, scheme = '' }: Client, what: Kind): string[] {
  if (what === 'first') return ['Authorization', `${scheme} T1`];
  if (what === 'last' || what === 'only') return ['Authorization', `${scheme} ${what}-${name}`];
  return what === 'bearer' ? ['Authorization', `Bearer ${name}`] : [];
}
