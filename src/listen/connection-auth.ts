/**
 * Sign-ins that the pool keeps on a connection (NTLM, Negotiate): which requests are let through, and
 * which client connections are bound to one connection to the pool (docs/decisions/013-connections-have-owners.md).
 */
import type { HeadFacts } from '../core/admit/request-head.ts';
import { challengesConnection, withoutConnectionChallenges } from '../core/answer/challenges.ts';
import type { ReplyHead } from '../core/messages/reply.ts';
import type { RawHeaders } from '../core/messages/http-message.ts';
import type { ClientExchange } from './client-exchange.ts';

/**
 * - `refuse`: a credential that signs in a connection is never sent to the pool.
 * - `bind`: a client that signs in has one connection to the pool of its own.
 */
export type ConnectionAuthMode = 'refuse' | 'bind';

const unauthorized = 401;

export class ConnectionAuth {
  readonly #mode: ConnectionAuthMode;
  readonly #isTrusted: (exchange: ClientExchange) => boolean;

  /** `isTrusted`: whether the peer is a proxy, whose connections carry the requests of many users. */
  constructor(mode: ConnectionAuthMode, isTrusted: (exchange: ClientExchange) => boolean) {
    this.#mode = mode;
    this.#isTrusted = isTrusted;
  }

  /**
   * Binds the client's connection when the request signs in.
   *
   * @returns whether the request may go on; otherwise it is refused with 501
   */
  admit(exchange: ClientExchange, facts: HeadFacts): boolean {
    if (!facts.signsIn && !exchange.isBound) return true;
    if (!this.#mayBind(exchange, facts)) return false;
    exchange.bind();
    return true;
  }

  /**
   * The head of an answer as the client gets it. A challenge binds the client's connection before the
   * client can answer it; where that cannot be, it is taken out if another challenge is left. The
   * same head, if nothing changes.
   */
  relayed<H extends ReplyHead>(exchange: ClientExchange, head: H): H {
    if (head.status !== unauthorized) return head;
    const headers = this.relayedFields(exchange, head.status, head.headers);
    // The encoded head is dropped, and encoded again.
    return headers === head.headers ? head : { ...head, headers, head: undefined };
  }

  /** See `relayed`. */
  relayedFields(exchange: ClientExchange, status: number, headers: RawHeaders): RawHeaders {
    if (status !== unauthorized || !challengesConnection(headers)) return headers;
    if (!this.#mayBind(exchange, exchange.head.facts)) return withoutConnectionChallenges(headers);
    exchange.bind();
    return headers;
  }

  #mayBind(exchange: ClientExchange, facts: HeadFacts): boolean {
    return this.#mode === 'bind' && !facts.cameThroughProxy && !this.#isTrusted(exchange);
  }
}
