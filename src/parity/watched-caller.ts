import type { Reply, ReplyHead } from '../core/messages/reply.ts';
import { type Fingerprint, noAnswer } from '../core/parity/fingerprint.ts';
import type { Call } from '../core/schedule/state.ts';
import type { Caller } from '../engine/caller.ts';
import type { TracedCall } from '../trace/traced-call.ts';
import { fingerprintOfReply } from './answer-hash.ts';

/** An answer that came in a batch. */
export interface BatchedAnswer {
  readonly fingerprint: Fingerprint;
  /** The time at which the batch was sent, in ms. */
  readonly sentAtMs: number;
}

/** A caller with a call that was chosen for a comparison. The caller itself notices nothing. */
export class WatchedCaller implements Caller {
  call: Call<Caller> | undefined;
  readonly #caller: Caller;
  readonly #answered: (answer: BatchedAnswer) => void;
  /** The time at which the batch was sent that brought no usable answer to the call, in ms. */
  #failedAtMs: number | undefined;

  /** @param answered is called after the caller got its answer, if a batch brought it or should have brought it */
  constructor(caller: Caller, answered: (answer: BatchedAnswer) => void) {
    this.#caller = caller;
    this.#answered = answered;
  }

  /** The batch with the call, which was sent at this time, brought no usable answer. The call is sent again. */
  failedInBatch(sentAtMs: number): void {
    this.#failedAtMs ??= sentAtMs;
  }

  get onlyXml(): boolean {
    return this.#caller.onlyXml;
  }

  get takesCodings(): boolean {
    return this.#caller.takesCodings;
  }

  get trace(): TracedCall | undefined {
    return this.#caller.trace;
  }

  get onDrained(): (() => void) | undefined {
    return this.#caller.onDrained;
  }

  set onDrained(drained: (() => void) | undefined) {
    this.#caller.onDrained = drained;
  }

  answer(reply: Reply): void {
    this.#caller.answer(reply);
    if (this.#failedAtMs !== undefined) this.#failed();
    // Only a part of a batch says which call it answers.
    else if (reply.asked !== undefined && this.call?.batch !== undefined) {
      const { sentAtMs } = this.call.batch;
      this.#answered({ fingerprint: fingerprintOfReply(reply), sentAtMs });
    }
  }

  begin(head: ReplyHead, canPause: boolean): void {
    this.#caller.begin(head, canPause);
  }

  write(chunk: Buffer): boolean {
    return this.#caller.write(chunk);
  }

  end(): void {
    this.#caller.end();
    this.#failed();
  }

  cut(): void {
    this.#caller.cut();
  }

  cutReader(): void {
    this.#caller.cutReader();
  }

  #failed(): void {
    if (this.#failedAtMs === undefined) return;
    this.#answered({ fingerprint: noAnswer, sentAtMs: this.#failedAtMs });
  }
}
