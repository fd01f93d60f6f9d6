/** Lets calls of new users wait for their turn, and answers calls that do not get one. */
import type { FaultName } from '../core/messages/fault.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { Newcomers, TurnVia } from './newcomers.ts';
import type { ListenObserver } from './observer.ts';
import type { CallReplies } from './pass-through-handler.ts';

interface TurnParts {
  readonly observer: Pick<ListenObserver, 'callerLeft'>;
  readonly now: () => number;
}

export class Turns {
  readonly #newcomers: Newcomers;
  readonly #observer: Pick<ListenObserver, 'callerLeft'>;
  readonly #replies: CallReplies;
  readonly #now: () => number;

  constructor(newcomers: Newcomers, parts: TurnParts, replies: CallReplies) {
    this.#newcomers = newcomers;
    this.#observer = parts.observer;
    this.#now = parts.now;
    this.#replies = replies;
  }

  /**
   * Begins a call now, or when its address has a free slot.
   *
   * @param bytes of its head, and of its body if this was read
   */
  take(
    exchange: ClientExchange,
    address: string,
    bytes: number,
    via: TurnVia,
    begin: () => void,
  ): void {
    const refusal = this.#newcomers.whenFree(exchange, address, {
      ...{ bytes, via, sinceMs: this.#now() },
      begin: () => this.#replies.guarded(exchange, begin),
      left: () => {
        this.#observer.callerLeft(via === 'single' ? 'held' : via);
        this.#replies.finished(exchange, via, true);
      },
    });
    if (refusal !== undefined) this.#replies.refuse(exchange, refusal);
  }

  /** Answers calls that have waited for a slot since `sinceMs` or longer. They did not run. */
  giveUp(sinceMs: number, name: FaultName): void {
    for (const [exchange, { via }] of this.#newcomers.takeWaitingSince(sinceMs)) {
      this.#replies.guarded(exchange, () =>
        this.#replies.fail(exchange, { phase: 'unsent', name }),
      );
      this.#replies.finished(exchange, via, false);
    }
  }
}
