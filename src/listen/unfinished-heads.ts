/**
 * Bounds the memory of heads that are not complete. A head can have 64 KiB, and Node reports it only when it is
 * complete. So this class estimates the bytes of unfinished heads from the bytes that each connection has read.
 * It begins when the open connections could exceed the limit together.
 */
import type { Socket } from 'node:net';

/** Maximum size of a head, in bytes. Kerberos tokens can take most of it. */
export const maxHeadBytes = 65_536;
/** Connections with shorter heads stay open: most heads are shorter. */
const shortHeadBytes = 16_384;

/** The part of a connection that this file uses. */
export interface ReadingConnection {
  /** Whether a request has begun since the last check. */
  hasNewRequest: boolean;
  /** Whether a request has ever begun. */
  readonly hasReceivedRequest: boolean;
  /** Length of all bodies that the client has announced; `NaN` after a body without a length. */
  announcedBytes: number;
  /** The request with a body under way, see `StoppedBodies`. */
  readonly upload: { readonly request: { readonly complete: boolean } } | undefined;
}

interface Reading {
  /** Bytes of heads; `undefined` if a body under way hides their number. */
  base: number | undefined;
  headBytes: number;
  lastByteMs: number;
}

export class UnfinishedHeads<S extends Pick<Socket, 'bytesRead'>> {
  readonly #maxBytes: number;
  readonly #headersTimeoutMs: number;
  #readings = new Map<S, Reading>();

  /** @param headersTimeoutMs time after which Node closes a connection with an unfinished head */
  constructor(maxBytes: number, headersTimeoutMs: number) {
    this.#maxBytes = maxBytes;
    this.#headersTimeoutMs = headersTimeoutMs;
  }

  /**
   * Returns the connections to close, so that the other unfinished heads are within the limit. The longest heads
   * come first. To be called at regular intervals with all connections.
   *
   * @param count number of connections
   */
  findExcess(
    count: number,
    connections: Iterable<readonly [S, ReadingConnection]>,
    nowMs: number,
  ): readonly S[] {
    if (count * maxHeadBytes <= this.#maxBytes) {
      this.#readings.clear();
      return [];
    }
    const readings = new Map<S, Reading>();
    const isFirst = this.#readings.size === 0;
    let bytes = 0;
    for (const [socket, connection] of connections) {
      const known = this.#readings.get(socket);
      const reading = read(socket.bytesRead, connection, nowMs, isFirst, known);
      if (nowMs - reading.lastByteMs > this.#headersTimeoutMs) reading.headBytes = 0;
      readings.set(socket, reading);
      bytes += reading.headBytes;
    }
    this.#readings = readings;
    if (bytes <= this.#maxBytes) return [];
    const excess: S[] = [];
    const longest = Array.from(readings).sort(([, a], [, b]) => b.headBytes - a.headBytes);
    for (const [socket, { headBytes }] of longest) {
      if (bytes <= this.#maxBytes || headBytes <= shortHeadBytes) break;
      bytes -= headBytes;
      excess.push(socket);
    }
    return excess;
  }
}

/** @param isFirst whether this is the first check, which cannot tell complete requests from unfinished heads */
function read(
  bytesRead: number,
  connection: ReadingConnection,
  nowMs: number,
  isFirst: boolean,
  before: Reading | undefined,
): Reading {
  const { hasNewRequest, hasReceivedRequest, upload } = connection;
  connection.hasNewRequest = false;
  if (upload?.request.complete === false) {
    return { base: before?.base, headBytes: 0, lastByteMs: nowMs };
  }
  if (Number.isNaN(connection.announcedBytes)) {
    connection.announcedBytes = 0;
    return { base: bytesRead, headBytes: 0, lastByteMs: nowMs };
  }
  const base = bytesRead - connection.announcedBytes;
  const isHidden = before === undefined ? isFirst && hasReceivedRequest : before.base === undefined;
  const more = isHidden ? 0 : base - (before?.base ?? 0);
  // A request can end in the middle of the new bytes. The rest can be a head.
  const headBytes = (hasNewRequest ? 0 : (before?.headBytes ?? 0)) + more;
  const lastByteMs = before === undefined || more > 0 ? nowMs : before.lastByteMs;
  return { base, headBytes: Math.min(headBytes, maxHeadBytes), lastByteMs };
}
