import type { RawHeaders } from '../core/messages/http-message.ts';

/** Reads an answer while the answer waits. */
export interface AnswerReader {
  /**
   * Counts bytes of the body that are about to be buffered.
   *
   * @returns `false` if a limit is reached. No more bytes must be read before the release, which then comes soon.
   */
  take(bytes: number): boolean;
  /** Called with the whole body. */
  end(body: readonly Buffer[]): void;
  /** Called when the exchange is over before the release. */
  abandon(): void;
}

/** Decides how long the answer to one call waits. */
export interface AnswerGate {
  /**
   * Called with the head of an answer with status 200.
   *
   * @param release called at most once, and never before this method has returned
   * @returns `undefined` if the answer need not wait
   */
  arrived(fields: RawHeaders, release: () => void): AnswerReader | undefined;
}
