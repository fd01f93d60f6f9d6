/**
 * The examples for the GETs that the proxy asks for itself: one for each event channel, with the fields that most of
 * the client's GETs have. An example contains credentials, so it is kept only while the channel is in use.
 */
import type { RawHeaders } from '../messages/http-message.ts';
import { type BatchKey, sameKey } from '../ucwa/batch-key.ts';
import { type ChannelName, nameOf, type Relation } from './channel.ts';

/** An example is dropped after this time without an open poll of its channel, in ms. */
export const idleForMs = 10_000;
/** Memory of a field beside its text, and of an example beside its fields. */
const fieldBytes = 64;
const sampleBytes = 512;
/** GETs with other fields that replace a proved example. */
const maxWeight = 8;

/** A GET of the client. The proxy asks in the same way. */
export interface Sample {
  readonly key: BatchKey;
  readonly headers: RawHeaders;
  readonly fields: string;
}

interface Kept {
  readonly number: number;
  readonly sample: Sample;
  readonly bytes: number;
  /** GETs with these fields, less those with others. */
  weight: number;
}

export class Samples {
  readonly #maxBytes: number;
  /** By the name of the channel. The oldest one first. */
  readonly #kept = new Map<string, Kept>();
  /** When channels with an example, and without a poll, became idle. The earliest one first. */
  readonly #idleSinceMs = new Map<string, number>();
  /** The open polls of each channel. */
  readonly #polls = new Map<string, number>();
  /** The number of the example that holds for a relation. */
  readonly #ofRelation = new WeakMap<Relation, number>();
  #bytes = 0;
  #last = 0;

  /** @param maxBytes limit for all examples together */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#kept.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When `wake` is to be called. */
  get nextAtMs(): number {
    const [sinceMs] = this.#idleSinceMs.values();
    return sinceMs === undefined ? Infinity : sinceMs + idleForMs;
  }

  /** Returns the example for a relation, if the client's last GET of the relation was like it. */
  get(channel: ChannelName, relation: Relation): Sample | undefined {
    const kept = this.#kept.get(nameOf(channel));
    return kept?.number === this.#ofRelation.get(relation) ? kept?.sample : undefined;
  }

  /** A client sent a GET of this relation. */
  asked(relation: Relation, sample: Sample, nowMs: number): void {
    const { key, fields } = sample;
    this.#ofRelation.delete(relation);
    // The condition of one resource says nothing about another.
    if (/^if-/im.test(fields)) return;
    const name = nameOf(key);
    const kept = this.#kept.get(name);
    if (kept !== undefined && sameKey(kept.sample.key, key)) {
      if (kept.sample.fields === fields) {
        kept.weight = Math.min(kept.weight + 1, maxWeight);
        this.#ofRelation.set(relation, kept.number);
        return;
      }
      kept.weight -= 1;
      if (kept.weight > 0) return;
    }
    const added = this.#replace(name, sample, nowMs);
    if (added !== undefined) this.#ofRelation.set(relation, added.number);
  }

  pollBegan(channel: ChannelName): void {
    const name = nameOf(channel);
    this.#polls.set(name, (this.#polls.get(name) ?? 0) + 1);
    this.#idleSinceMs.delete(name);
  }

  /** @param isOver whether the pool has said that the channel is no more */
  pollEnded(channel: ChannelName, isOver: boolean, nowMs: number): void {
    const name = nameOf(channel);
    const polls = (this.#polls.get(name) ?? 0) - 1;
    if (polls > 0) this.#polls.set(name, polls);
    else this.#polls.delete(name);
    if (isOver) this.#drop(name);
    else if (polls <= 0 && this.#kept.has(name)) this.#idleSinceMs.set(name, nowMs);
  }

  wake(nowMs: number): void {
    for (const [name, sinceMs] of this.#idleSinceMs) {
      if (sinceMs + idleForMs > nowMs) return;
      this.#drop(name);
    }
  }

  dropAll(): void {
    for (const name of [...this.#kept.keys()]) this.#drop(name);
  }

  #replace(name: string, sample: Sample, nowMs: number): Kept | undefined {
    this.#drop(name);
    const bytes = sizeOf(sample);
    if (bytes > this.#maxBytes) return undefined;
    const kept = { number: (this.#last += 1), sample, bytes, weight: 1 };
    this.#kept.set(name, kept);
    this.#bytes += bytes;
    if (!this.#polls.has(name)) this.#idleSinceMs.set(name, nowMs);
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
    return kept;
  }

  #drop(name: string): void {
    this.#bytes -= this.#kept.get(name)?.bytes ?? 0;
    this.#kept.delete(name);
    this.#idleSinceMs.delete(name);
  }
}

/** Returns the memory of an example: the fields as the client sent them, and as they are compared. */
function sizeOf({ headers, fields }: Sample): number {
  let bytes = sampleBytes + fields.length;
  for (const text of headers) bytes += text.length + fieldBytes / 2;
  return bytes;
}
