/**
 * Writes one answer to the socket, with the faults that affect the wire: truncation, resets, junk and
 * small writes.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Fault, faultOf } from '../faults/fault.ts';
import type { FlatHeaders } from '../representation/headers.ts';
import type { Timers } from '../pool/timers.ts';

/** Time after which bytes from the kernel have arrived at a client on the same machine. */
const arrivalMs = 20;

export class Reply {
  /** Resolves when the answer was sent, or the client disconnected. */
  readonly gone: Promise<void>;
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  readonly #timers: Timers;
  readonly #faults: readonly Fault[];
  #bodyBytes = 0;
  #broken = false;

  constructor(response: ServerResponse, socket: Socket, timers: Timers, faults: readonly Fault[]) {
    this.#response = response;
    this.#socket = socket;
    this.#timers = timers;
    this.#faults = faults;
    // A write after the client disconnected fails. This is not an error of the simulator.
    response.on('error', () => undefined);
    this.gone = new Promise((resolve) => response.once('close', resolve));
  }

  /** Whether further writes are useless: the client disconnected, or a fault ended the answer. */
  get isOver(): boolean {
    return this.#broken || this.#response.closed || this.#socket.destroyed;
  }

  /** Resets the TCP connection after the earlier bytes have arrived at the client. */
  async reset(): Promise<void> {
    if (this.isOver) return;
    this.#broken = true;
    if (this.#response.headersSent) {
      await this.#flushed();
      // A reset discards bytes that are still in a buffer of the kernel.
      await this.#timers.wait(arrivalMs);
    }
    this.#socket.resetAndDestroy();
  }

  /** Sends these bytes instead of an answer, and closes the connection. */
  junk(bytes: string | Buffer): void {
    this.#broken = true;
    this.#socket.end(bytes);
  }

  /** Prepares the head, which is sent with the first byte of the body; or resets, if a fault demands it. */
  async head(status: number, headers: FlatHeaders): Promise<void> {
    if (this.isOver) return;
    const reset = faultOf(this.#faults, 'reset');
    if (reset?.at === 'beforeHead') return this.reset();
    this.#response.writeHead(status, [...headers]);
    if (reset?.at === 'afterHead') {
      this.#response.flushHeaders();
      return this.reset();
    }
  }

  /** Writes a piece of the body, with backpressure, and ends the answer where a fault demands it. */
  async write(piece: Buffer): Promise<void> {
    const cutAt = this.#cutAt();
    const kept = piece.subarray(0, Math.max(0, cutAt - this.#bodyBytes));
    this.#bodyBytes += kept.length;
    await this.#writeInChunks(kept);
    if (kept.length < piece.length || this.#bodyBytes === cutAt) await this.#breakOff();
  }

  end(): void {
    if (!this.isOver) this.#response.end();
  }

  /** Number of bytes of the body after which a fault ends the answer. */
  #cutAt(): number {
    const reset = faultOf(this.#faults, 'reset');
    if (typeof reset?.at === 'number') return reset.at;
    const truncate = faultOf(this.#faults, 'truncate');
    return truncate && truncate.framing !== 'complete' ? truncate.afterBytes : Infinity;
  }

  async #breakOff(): Promise<void> {
    if (this.isOver) return;
    if (faultOf(this.#faults, 'reset')) return this.reset();
    this.#broken = true;
    this.#response.flushHeaders();
    await this.#flushed();
    this.#socket.destroySoon();
  }

  async #writeInChunks(bytes: Buffer): Promise<void> {
    const chunks = faultOf(this.#faults, 'chunks');
    if (!chunks) return this.#writeOut(bytes);
    let index = 0;
    for (let at = 0; at < bytes.length;) {
      const size = Math.max(1, chunks.sizes[Math.min(index++, chunks.sizes.length - 1)] ?? 1);
      await this.#writeOut(bytes.subarray(at, at + size));
      at += size;
      if (chunks.pauseMs === undefined) await nextTurn();
      else await this.#timers.wait(chunks.pauseMs);
    }
  }

  async #writeOut(bytes: Buffer): Promise<void> {
    if (this.isOver || bytes.length === 0 || this.#response.write(bytes)) return;
    const leaving = new AbortController();
    const { signal } = leaving;
    await Promise.race([
      once(this.#response, 'drain', { signal }),
      once(this.#response, 'close', { signal }),
    ]).catch(() => undefined);
    leaving.abort();
  }

  /** Resolves when all earlier writes have reached the kernel. */
  async #flushed(): Promise<void> {
    // Node delays writes until the end of the tick.
    await nextTurn();
    await new Promise((resolve) => this.#socket.write('', resolve));
  }
}
