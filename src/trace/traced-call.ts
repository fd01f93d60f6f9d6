/** A call that is traced: its SERVER span, and the spans of its waits. */
import type { WaitTimes } from '../core/schedule/wait-times.ts';
import type { OpenSpan, SpanSource } from './spans.ts';

/** The end of a call, see `FinishedCall`. */
interface CallEnd {
  readonly via: string;
  /** 0 if no answer began. */
  readonly status: number;
  readonly callerLeft: boolean;
  readonly poll: boolean;
}

/** The last request to the pool for a call. */
export interface LastRequest {
  readonly span: OpenSpan;
  wasRefused: boolean;
}

export class TracedCall {
  readonly span: OpenSpan;
  lastRequest: LastRequest | undefined;
  readonly #source: SpanSource;
  readonly #release: () => void;
  #isOver = false;

  constructor(span: OpenSpan, source: SpanSource, release: () => void) {
    this.span = span;
    this.#source = source;
    this.#release = release;
  }

  /** Notes the id of the call, as in the log. */
  named(id: string): void {
    this.span.set({ 'ucwa.call.id': id });
  }

  /** Writes the spans of the waits of the call, which is sent at this time. */
  waited({ hold, order, pause, limit, slots }: WaitTimes, sentAtMs: number): void {
    const readyAtMs = sentAtMs - (order + pause + limit + slots);
    if (hold !== undefined) this.#wait('hold', readyAtMs - hold, readyAtMs, {});
    this.#wait('queue', readyAtMs, sentAtMs, {
      ...(order > 0 && { 'ucwa.queue.order_ms': order }),
      ...(pause > 0 && { 'ucwa.queue.pause_ms': pause }),
      ...(limit > 0 && { 'ucwa.queue.limit_ms': limit }),
      ...(slots > 0 && { 'ucwa.queue.slots_ms': slots }),
    });
  }

  #wait(name: string, startMs: number, endMs: number, attributes: Record<string, number>): void {
    const { span: parent } = this;
    this.#source.start({ name, kind: 'internal', startMs, parent, attributes }).end(endMs);
  }

  /** Ends the span of the call. Further calls have no effect. */
  finished({ via, status, callerLeft, poll }: CallEnd, nowMs: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#release();
    const isError = status >= 500;
    this.span.set({
      'ucwa.via': via,
      ...(status > 0 && { 'http.response.status_code': status }),
      ...(isError && { 'error.type': String(status) }),
      ...(callerLeft && { 'ucwa.caller_left': true }),
      ...(poll && { 'ucwa.poll': true }),
    });
    if (isError) this.span.fail();
    this.span.end(nowMs);
  }
}
