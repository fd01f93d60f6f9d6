/**
 * The feed of the page: server-sent events. One frame for all subscribers is made a few times a second. The first
 * subscriber attaches the collector, and the last one detaches it.
 */
import type { ServerResponse } from 'node:http';
import type { CollectedFrame } from './collector.ts';
import type { PageWatch } from './watch.ts';

export interface FeedParts {
  readonly watch: PageWatch;
  readonly now: () => number;
  /** What a subscriber learns at first, as a value of JSON. */
  readonly hello: () => object;
  /** What each frame has besides the collected facts. */
  readonly facts: () => object;
  /** Whether the text has no secret. A text that has one is not sent. */
  readonly isShowable: (text: string) => boolean;
}

const frameEveryMs = 250;
const maxFrameBytes = 65_536;
const maxSubscribers = 8;
/** A subscriber with more unread bytes in this process is dropped. */
const maxUnreadBytes = 2 * maxFrameBytes;

export class Feed {
  readonly #parts: FeedParts;
  readonly #subscribers = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  /**
   * Sends this head and the frames from now on. Returns `false`, and sends nothing, if there is no room, or if an error
   * has ended the page.
   */
  subscribe(response: ServerResponse, head: Readonly<Record<string, string>>): boolean {
    if (this.#isStopped || this.#subscribers.size >= maxSubscribers) return false;
    const hello = this.#parts.watch.guarded(() => this.#shown(this.#parts.hello()));
    if (hello === undefined) return false;
    if (this.#subscribers.size === 0 && !this.#begin()) return false;
    this.#subscribers.add(response);
    response.once('close', () => this.#drop(response));
    response.writeHead(200, head);
    response.write(`retry: 2000\nevent: hello\ndata: ${hello}\n\n`);
    return true;
  }

  stop(): void {
    this.#isStopped = true;
    for (const response of this.#subscribers) response.end();
    this.#subscribers.clear();
    this.#end();
  }

  #begin(): boolean {
    if (!this.#parts.watch.attach()) return false;
    this.#timer = setInterval(() => this.#frame(), frameEveryMs).unref();
    return true;
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#parts.watch.detach();
  }

  #drop(response: ServerResponse): void {
    if (!this.#subscribers.delete(response)) return;
    if (this.#subscribers.size === 0) this.#end();
  }

  #frame(): void {
    const { collector } = this.#parts.watch;
    const data =
      collector && this.#parts.watch.guarded(() => this.#text(collector.frame(this.#parts.now())));
    if (data === undefined) {
      // An error has ended the page.
      for (const response of [...this.#subscribers]) response.destroy();
      return;
    }
    const text = `data: ${data}\n\n`;
    for (const response of [...this.#subscribers]) {
      if (response.writableLength > maxUnreadBytes) response.destroy();
      else response.write(text);
    }
  }

  /** A frame that is too large loses its lists, the longest ones first. */
  #text(frame: CollectedFrame): string {
    const whole = { ...frame, ...this.#parts.facts() };
    const text = this.#shown(whole);
    if (Buffer.byteLength(text) <= maxFrameBytes) return text;
    const { board, tap } = frame;
    const shorter = this.#shown({
      ...whole,
      board: { live: board.live, names: [], rows: [] },
      tap: { skipped: tap.skipped + tap.rows.length, rows: [] },
    });
    return Buffer.byteLength(shorter) <= maxFrameBytes ? shorter : '{}';
  }

  #shown(value: object): string {
    const text = JSON.stringify(value);
    return this.#parts.isShowable(text) ? text : '{}';
  }
}
