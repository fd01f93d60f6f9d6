/**
 * The GETs that clients are about to send, because an answer of the event channel named their resources
 * (docs/event-priming.md). The scheduler asks here how long it should hold a call for them.
 *
 * For each application of each user, `DueGets` learns which relations the client reads after an event, and how
 * soon. A stream with a due GET is held while other due GETs are likely to come. It is sent with the last one.
 *
 * A hold is no longer than the usual time between two of these GETs. A client that does not come thus costs little, and
 * less later, because the share of its events falls. A client with one call at a time has no gaps, and is not held.
 */
import type { ExpectedGets } from '../schedule/policy.ts';
import type { BatchKey } from '../ucwa/batch-key.ts';
import type { Change } from '../ucwa/event-changes.ts';
import { Channel, nameOf, type Relation } from './channel.ts';

/** Limit for the applications that are remembered. */
const maxChannels = 4096;
/** Limit for the due GETs of all applications. */
const maxDueInAll = 65_536;
/** The GETs of the proxy are held for this time to share a batch, in ms. */
const gatherMs = 1;
/** An application without events and due GETs is forgotten after this time, in ms. */
const keptForMs = 600_000;

export class DueGets implements ExpectedGets {
  /** The least recently used one first. */
  readonly #channels = new Map<string, Channel>();
  #due = 0;
  isGathering = false;
  #gatherMs = 0;

  /** Number of applications that are remembered. */
  get size(): number {
    return this.#channels.size;
  }

  /** Number of resources that events have named lately. */
  get due(): number {
    return this.#due;
  }

  /**
   * An answer of the event channel is about to reach the client.
   *
   * @returns the resources below the application that the answer names
   */
  changed(
    user: string,
    applicationPath: string,
    changes: readonly Change[],
    nowMs: number,
  ): ReadonlyMap<string, Relation> {
    const below = `${applicationPath}/`.toLowerCase();
    const inside = changes.filter(({ target }) => target.toLowerCase().startsWith(below));
    const name = nameOf({ user, applicationPath });
    const known = this.#channels.get(name);
    if (inside.length === 0 && known === undefined) return new Map();
    const channel = known ?? new Channel();
    const before = known?.size ?? 0;
    const named = channel.changed(inside, nowMs);
    this.#due += channel.size - before;
    channel.usedAtMs = nowMs;
    this.#channels.delete(name);
    this.#channels.set(name, channel);
    this.#forgetOld(nowMs);
    return named;
  }

  /**
   * A client sends a GET.
   *
   * @returns the relation of the resource, if an event has named it
   */
  asked(key: BatchKey, target: string, nowMs: number): Relation | undefined {
    const channel = this.#channelOf(key);
    if (channel === undefined) return undefined;
    const before = channel.size;
    const relation = channel.asked(target, nowMs);
    this.#due += channel.size - before;
    return relation;
  }

  /** Runs `submit`, which submits this number of GETs of the proxy. They share a batch. */
  gather(count: number, submit: () => void): void {
    this.isGathering = true;
    // A hold of a single GET would count as one without a companion.
    this.#gatherMs = count > 1 ? gatherMs : 0;
    try {
      submit();
    } finally {
      this.isGathering = false;
    }
  }

  /** Holds no call for these GETs, because the proxy asks for the resources itself. */
  expectNone(key: BatchKey, targets: Iterable<string>): void {
    const channel = this.#channelOf(key);
    for (const target of targets) channel?.expectNone(target);
  }

  holdUntilMs(key: BatchKey, openCalls: number, nowMs: number): number | undefined {
    if (this.isGathering) return nowMs + this.#gatherMs;
    return this.#channelOf(key)?.holdUntilMs(openCalls, nowMs);
  }

  #channelOf(key: BatchKey): Channel | undefined {
    return this.#channels.get(nameOf(key));
  }

  #forgetOld(nowMs: number): void {
    for (const [name, channel] of this.#channels) {
      const isFull = this.#channels.size > maxChannels || this.#due > maxDueInAll;
      if (!isFull && channel.usedAtMs + keptForMs > nowMs) return;
      this.#channels.delete(name);
      this.#due -= channel.size;
    }
  }
}
