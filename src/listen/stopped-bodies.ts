/**
 * Finds clients that stop sending the body of their request. Node's own timer counts the whole request, so it
 * would cut off long uploads. A timer checks all connections, so that calls without a body cost nothing.
 *
 * - A body has stopped when no byte comes for `timeoutMs`.
 * - The first 64 KiB of a body, or the whole of a shorter one, must come within `timeoutMs`. The proxy buffers
 *   these bytes, so a byte now and then must not occupy its memory.
 * - A body that the proxy buffers whole has `timeoutMs` for each 64 KiB.
 *
 * Time counts only while the proxy reads the body.
 */
import type { Socket } from 'node:net';
import type { ClientExchange } from './client-exchange.ts';

/** The part of a connection that this file uses. */
export interface UploadingConnection {
  /** The last request with a body, until a check finds the body complete. */
  upload: ClientExchange | undefined;
  /** Whether the proxy has stopped reading the connection. */
  readonly isPaused: boolean;
}

interface Progress {
  /** Moved forward by the time in which the proxy did not read. */
  sinceMs: number;
  readonly bytesBefore: number;
  bytesRead: number;
  lastByteMs: number;
}

const pieceBytes = 65_536;

export class StoppedBodies {
  readonly #timeoutMs: number;
  readonly #progress = new Map<ClientExchange, Progress>();
  #checkedAtMs = 0;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Returns the exchanges with a body that has stopped, each once. To be called at regular intervals with all
   * connections.
   */
  find(
    connections: Iterable<readonly [Pick<Socket, 'bytesRead'>, UploadingConnection]>,
    nowMs: number,
  ): readonly ClientExchange[] {
    const stopped: ClientExchange[] = [];
    const open = new Set<ClientExchange>();
    for (const [socket, connection] of connections) {
      const { upload } = connection;
      if (upload === undefined) continue;
      if (upload.request.complete) {
        connection.upload = undefined;
      } else if (this.#hasStopped(upload, socket.bytesRead, connection.isPaused, nowMs)) {
        connection.upload = undefined;
        stopped.push(upload);
      } else open.add(upload);
    }
    for (const exchange of this.#progress.keys()) {
      if (!open.has(exchange)) this.#progress.delete(exchange);
    }
    this.#checkedAtMs = nowMs;
    return stopped;
  }

  #hasStopped(
    upload: ClientExchange,
    bytesRead: number,
    isPaused: boolean,
    nowMs: number,
  ): boolean {
    const known = this.#progress.get(upload);
    if (known === undefined) {
      const begun = { sinceMs: nowMs, bytesBefore: bytesRead, bytesRead, lastByteMs: nowMs };
      this.#progress.set(upload, begun);
      return false;
    }
    const { request, body } = upload;
    const mayWait = body?.mayWait === true || isAnswering(upload);
    if (isPaused || mayWait || request.readableLength > 0) {
      known.sinceMs += nowMs - this.#checkedAtMs;
      known.lastByteMs = nowMs;
    } else if (bytesRead !== known.bytesRead) {
      known.lastByteMs = nowMs;
    }
    known.bytesRead = bytesRead;
    if (nowMs - known.lastByteMs >= this.#timeoutMs) return true;
    const isBuffered = body?.isBuffered === true || bytesRead - known.bytesBefore < pieceBytes;
    return isBuffered && nowMs - known.sinceMs >= this.#timeoutMs * piecesOf(upload);
  }
}

function isAnswering({ response }: ClientExchange): boolean {
  return response.headersSent && !response.writableEnded;
}

/** Number of pieces that the proxy buffers. */
function piecesOf({ body, head }: ClientExchange): number {
  if (body?.isBuffered !== true) return 1;
  return Math.max(1, Math.ceil(Number(head.facts.contentLength ?? 0) / pieceBytes));
}
