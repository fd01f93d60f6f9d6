/**
 * Handles sign-ins that the pool stores on a connection (NTLM, Negotiate). Decides which requests are
 * refused, and which client connections are bound to a connection to the pool
 * (docs/decisions/013-connections-have-owners.md).
 */
import type { HeadFacts } from '../core/admit/request-head.ts';
import { challengesConnection, withoutConnectionChallenges } from '../core/answer/challenges.ts';
import type { ReplyHead } from '../core/messages/reply.ts';
import type { RawHeaders } from '../core/messages/http-message.ts';
import type { ClientExchange } from './client-exchange.ts';
import { StreamResponse } from './http2/stream-response.ts';

/**
 * - `refuse`: a credential that signs in a connection is never sent to the pool.
 * - `bind`: a client connection that signs in gets its own connection to the pool.
 */
export type ConnectionAuthMode = 'refuse' | 'bind';

const unauthorized = 401;

export class ConnectionAuth {
  readonly #modeAt: (pool: number) => ConnectionAuthMode;
  readonly #isTrusted: (exchange: ClientExchange) => boolean;

  /**
   * @param modeAt returns the mode of a pool
   * @param isTrusted whether the peer is a trusted proxy; its connections carry the requests of many users
   */
  constructor(
    modeAt: (pool: number) => ConnectionAuthMode,
    isTrusted: (exchange: ClientExchange) => boolean,
  ) {
    this.#modeAt = modeAt;
    this.#isTrusted = isTrusted;
  }

  /**
   * Binds the client's connection if the request signs in.
   *
   * @returns `false` if the request must be refused with 501
   */
  admit(exchange: ClientExchange, facts: HeadFacts): boolean {
    if (!facts.signsIn && !exchange.isBound) return true;
    if (!this.#mayBind(exchange, facts)) return false;
    return this.#bind(exchange);
  }

  /**
   * Returns the head of an answer as the client receives it: the same object if nothing changes. A challenge
   * to sign in the connection binds the client's connection. If binding is not allowed, the challenge is
   * removed, unless the answer has no other challenge.
   */
  relayed<H extends ReplyHead>(exchange: ClientExchange, head: H): H {
    if (head.status !== unauthorized) return head;
    const headers = this.relayedFields(exchange, head.status, head.headers);
    // The cached encoding is invalid now.
    return headers === head.headers ? head : { ...head, headers, head: undefined };
  }

  /** See `relayed`. */
  relayedFields(exchange: ClientExchange, status: number, headers: RawHeaders): RawHeaders {
    if (status !== unauthorized || !challengesConnection(headers)) return headers;
    if (!this.#mayBind(exchange, exchange.head.facts)) return withoutConnectionChallenges(headers);
    this.#bind(exchange);
    return headers;
  }

  /** Returns `false` if the request must be repeated over HTTP/1.1, because a stream is no connection. */
  #bind(exchange: ClientExchange): boolean {
    if (exchange.response instanceof StreamResponse) {
      exchange.response.requireHttp1();
      return false;
    }
    exchange.bind();
    return true;
  }

  #mayBind(exchange: ClientExchange, facts: HeadFacts): boolean {
    const mode = this.#modeAt(exchange.pool);
    return mode === 'bind' && !facts.cameThroughProxy && !this.#isTrusted(exchange);
  }
}
