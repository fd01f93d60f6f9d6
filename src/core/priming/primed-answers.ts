/**
 * The answers that the proxy asked for before the client did (docs/event-priming.md). An answer is for one GET: of
 * the same user, with the same batch key, target and fields, within 2 s after the proxy asked.
 *
 *     asked --answer--> ready                        no client has come yet
 *     asked --GET of the client--> followed          the client waits for the answer
 *     ready --GET of the client--> over              `answered`
 *     followed --answer--> over                      `followed`
 *     asked, followed --no usable answer--> over     `failed`; the GET is sent as always
 *     any --write of the user, newer event--> over   `outdated`; the GET is sent as always
 *     any --2 s--> over                              `unused`, or `failed`; the GET is sent as always
 */
import type { Reply } from '../messages/reply.ts';
import { type BatchKey, sameKey } from '../ucwa/batch-key.ts';
import type { Change } from '../ucwa/event-changes.ts';
import { isBelow, resourcePath } from '../ucwa/event-names.ts';
import { OpenWrites } from './open-writes.ts';

/** An answer is used within this time after the proxy asked for it, in ms. */
export const freshForMs = 2000;

/**
 * The ends of GETs that the proxy asked for: all label values of `ucwa_proxy_primed_calls_total`.
 *
 * - `answered`: the GET of the client came after the answer.
 * - `followed`: the GET of the client came before the answer, and waited for it.
 * - `unused`: the client did not ask in time.
 * - `outdated`: the user wrote something, or a newer event named the resource.
 * - `failed`: the pool gave no usable answer in time.
 */
export const primedOutcomes = ['answered', 'followed', 'unused', 'outdated', 'failed'] as const;
export type PrimedOutcome = (typeof primedOutcomes)[number];

/** The part of a GET that shapes its answer. */
export interface Question {
  readonly key: BatchKey;
  readonly target: string;
  /** The fields of the part, see `sharedHeadersOf`. */
  readonly fields: string;
}

/** `W`: a client that waits for an answer. */
export interface PrimedSink<W> {
  answer(waiter: W, reply: Reply): void;
  /** Sends the GET of the client as if the proxy had not asked. */
  sendOn(waiter: W): void;
  /** The answer is not needed any more. `outcome` counts. */
  over(get: PrimedGet<W>, outcome: PrimedOutcome): void;
}

/** A GET that the proxy asks for itself. */
export class PrimedGet<W> {
  readonly question: Question;
  readonly path: string;
  readonly askedAtMs: number;
  reply: Reply | undefined;
  waiter: W | undefined;
  isOver = false;

  constructor(question: Question, askedAtMs: number) {
    this.question = question;
    this.path = resourcePath(question.target) ?? '';
    this.askedAtMs = askedAtMs;
  }
}

export interface PrimedLimits {
  /** For the GETs of one application, and of all. */
  readonly maxEach: number;
  readonly max: number;
  /** For the bodies of one answer, and of all. */
  readonly maxBytesEach: number;
  readonly maxBytes: number;
}

export class PrimedAnswers<W> {
  readonly #limits: PrimedLimits;
  readonly #sink: PrimedSink<W>;
  /** By user and application path, and by target. */
  readonly #byUser = new Map<string, Map<string, PrimedGet<W>>>();
  /** The oldest one first. */
  readonly #all = new Set<PrimedGet<W>>();
  readonly #writes = new OpenWrites();
  #bytes = 0;

  constructor(limits: PrimedLimits, sink: PrimedSink<W>) {
    this.#limits = limits;
    this.#sink = sink;
  }

  get size(): number {
    return this.#all.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When `wake` is to be called. */
  get nextAtMs(): number {
    const [oldest] = this.#all;
    return oldest === undefined ? Infinity : oldest.askedAtMs + freshForMs;
  }

  /** Returns how many more GETs of the user the proxy may send before its client does. */
  roomFor(user: string, nowMs: number): number {
    if (this.#writes.has(user, nowMs)) return 0;
    const own = this.#byUser.get(user)?.size ?? 0;
    return Math.min(this.#limits.maxEach - own, this.#limits.max - this.#all.size);
  }

  /** Notes that the proxy asks now. Returns `undefined` if it has asked the same already. */
  ask(question: Question, nowMs: number): PrimedGet<W> | undefined {
    const { user } = question.key;
    const own = this.#byUser.get(user) ?? new Map<string, PrimedGet<W>>();
    if (own.has(question.target)) return undefined;
    const get = new PrimedGet<W>(question, nowMs);
    own.set(question.target, get);
    this.#byUser.set(user, own);
    this.#all.add(get);
    return get;
  }

  /** The pool answered, or will not: `reply` is `undefined` then. */
  arrived(get: PrimedGet<W>, reply: Reply | undefined, nowMs: number): void {
    if (get.isOver || get.reply !== undefined) return;
    const isUsable = reply !== undefined && reply.status >= 200 && reply.status < 300;
    if (!isUsable || get.askedAtMs + freshForMs <= nowMs) {
      this.#end(get, 'failed');
      return;
    }
    const { waiter } = get;
    if (waiter !== undefined) {
      get.waiter = undefined;
      this.#end(get, 'followed');
      this.#sink.answer(waiter, reply);
      return;
    }
    const { length } = reply.body;
    const { maxBytesEach, maxBytes } = this.#limits;
    if (length > maxBytesEach || this.#bytes + length > maxBytes) {
      this.#end(get, 'failed');
      return;
    }
    this.#bytes += length;
    // The copy does not keep the memory of the whole batch answer.
    get.reply = { ...reply, body: Buffer.from(reply.body) };
  }

  /**
   * A client sends a GET.
   *
   * @returns the primed GET that answers or will answer it; `undefined` if it must be sent as always
   */
  take(question: Question, waiter: W, nowMs: number): PrimedGet<W> | undefined {
    const { user } = question.key;
    const get = this.#byUser.get(user)?.get(question.target);
    if (get === undefined || get.waiter !== undefined) return undefined;
    const isSame =
      sameKey(get.question.key, question.key) && get.question.fields === question.fields;
    const isFresh = nowMs < get.askedAtMs + freshForMs && !this.#writes.has(user, nowMs);
    if (!isSame || !isFresh) return undefined;
    const { reply } = get;
    if (reply === undefined) {
      get.waiter = waiter;
      return get;
    }
    this.#end(get, 'answered');
    this.#sink.answer(waiter, reply);
    return get;
  }

  /** The client that waited has left. Another GET may use the answer. */
  left(get: PrimedGet<W>): void {
    get.waiter = undefined;
  }

  /** To be called before a write of the user is sent. */
  writeBegan(user: string): void {
    this.#writes.began(user);
    for (const get of [...(this.#byUser.get(user)?.values() ?? [])]) this.#end(get, 'outdated');
  }

  /** @param isAnswered whether the client got the whole answer */
  writeEnded(user: string, isAnswered: boolean, nowMs: number): void {
    this.#writes.ended(user, isAnswered, nowMs);
  }

  /** An answer of the event channel is about to reach the client. It outdates what the proxy asked before. */
  changed(user: string, changes: readonly Change[]): void {
    const own = this.#byUser.get(user);
    if (own === undefined || changes.length === 0) return;
    const named = new Set(changes.map(({ target }) => resourcePath(target) ?? ''));
    for (const get of [...own.values()]) {
      if (isRelated(get.path, named)) this.#end(get, 'outdated');
    }
  }

  /** All resources of the user may have changed. */
  outdate(user: string): void {
    for (const get of [...(this.#byUser.get(user)?.values() ?? [])]) this.#end(get, 'outdated');
  }

  wake(nowMs: number): void {
    for (const get of this.#all) {
      if (get.askedAtMs + freshForMs > nowMs) return;
      this.#end(get, get.waiter === undefined && get.reply !== undefined ? 'unused' : 'failed');
    }
  }

  /** Gives up all of them. */
  endAll(): void {
    for (const get of [...this.#all]) this.#end(get, 'unused');
  }

  #end(get: PrimedGet<W>, outcome: PrimedOutcome): void {
    if (get.isOver) return;
    get.isOver = true;
    this.#bytes -= get.reply?.body.length ?? 0;
    this.#all.delete(get);
    const { target, key } = get.question;
    const own = this.#byUser.get(key.user);
    own?.delete(target);
    if (own?.size === 0) this.#byUser.delete(key.user);
    const { waiter } = get;
    get.waiter = undefined;
    this.#sink.over(get, outcome);
    if (waiter !== undefined) this.#sink.sendOn(waiter);
  }
}

/** Whether one of the paths is this one, or leads to a resource above or below it. */
function isRelated(path: string, named: ReadonlySet<string>): boolean {
  if (named.has(path)) return true;
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (named.has(path.slice(0, end))) return true;
  }
  for (const other of named) if (isBelow(other, path)) return true;
  return false;
}
