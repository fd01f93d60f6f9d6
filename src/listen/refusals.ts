/** Refuses requests, and remembers the connections that close after a refusal. */
import type { Socket } from 'node:net';
import type { RefusalReason } from '../core/admit/admit.ts';
import { answerForRefusal } from '../core/answer/own-answers.ts';
import type { FaultPhase } from '../core/messages/fault.ts';
import type { ClientExchange } from './client-exchange.ts';
import { ownReply } from './explain.ts';
import { lingerAfterAnswer } from './last-answer.ts';
import type { ListenObserver } from './observer.ts';
import { writeReply } from './write-reply.ts';

export class Refusals {
  readonly #observer: Pick<ListenObserver, 'refused'>;
  readonly #keepAlive: string;
  /** Connections that close after an answer. Further requests on them are ignored. */
  readonly closing = new WeakSet<Socket>();

  /** @param keepAlive see `keepAliveLines` */
  constructor(observer: Pick<ListenObserver, 'refused'>, keepAlive: string) {
    this.#observer = observer;
    this.#keepAlive = keepAlive;
  }

  /** Closes the connection after the answer. Further requests of the client are ignored. */
  closeAfterAnswer({ request, response, body }: ClientExchange): void {
    response.shouldKeepAlive = false;
    if (body !== undefined) lingerAfterAnswer(request.socket);
    this.closing.add(request.socket);
  }

  /** @param phase whether a part of the request can have reached the pool */
  write(
    exchange: ClientExchange,
    code: number,
    reason: RefusalReason,
    phase: FaultPhase = 'unsent',
  ): void {
    exchange.withdraw();
    this.#observer.refused(reason);
    // Further bytes of the client are ignored, so that no part of a refused body is served as a request.
    if (code !== 503 && code !== 429) this.closeAfterAnswer(exchange);
    const reply = answerForRefusal(code, reason, exchange.head.onlyXml, phase);
    writeReply(exchange, ownReply(exchange, reply, 'refused'), this.#keepAlive);
  }
}
