/**
 * One HTTP/2 connection of a client. node:http2 and nghttp2 read its frames, and refuse illegal ones. This class bounds
 * what the protocol allows (docs/http2.md): streams that end before their answer, and bytes that carry neither a
 * request nor a body.
 */
import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { RefusalReason } from '../../core/admit/admit.ts';
import { answerForRefusal } from '../../core/answer/own-answers.ts';
import { maxHeadBytes, type ReadingConnection } from '../unfinished-heads.ts';
import { Allowance } from './allowance.ts';
import { headRefusals, readStreamHead, type HeadRefusal } from './stream-head.ts';
import { StreamRequest } from './stream-request.ts';
import { StreamResponse } from './stream-response.ts';
import { StreamSocket } from './stream-socket.ts';

/** The parts that all sessions of a listener share. */
export interface SessionParts {
  readonly headersTimeoutMs: number;
  /** Time in ms after which a session without open streams is closed. */
  readonly idleTimeoutMs: number;
  /** Limit for the memory of the heads of all open streams. */
  readonly maxHeadBytes: number;
  /** The memory of these heads now. */
  readonly heads: { bytes: number };
  /** Time in ms in which a client must answer a PING. */
  readonly stallMs: number;
  readonly isDraining: () => boolean;
  serve(request: StreamRequest, response: StreamResponse, expectation: string | undefined): void;
  refused(reason: RefusalReason): void;
  closed(session: ClientSession): void;
}

/** Limit for open streams, as for the pipelined requests of a connection that run at a time. */
const maxStreams = 32;
/** Share of the heads of all open streams that one session can use. It can always use `maxOwnHeadBytes`. */
const headShare = 1 / 64;
const maxOwnHeadBytes = 8 * maxHeadBytes;
/** Heads above `maxHeadBytes` and up to this size are answered with 431. Longer heads are not stored. */
const maxStoredHeadBytes = 2 * maxHeadBytes;
/** Limit for the fields of a head in memory, pseudo fields included. See `maxStoredHeadBytes`. */
const maxStoredFields = 256;
/** Limit of node:http2 for malformed frames, and for streams that it refuses. */
const maxInvalidFrames = 100;
/** Limit of node:http2 for the memory of a session, in 10^6 bytes. */
const maxMemory = 8;
/** Streams that may end before their answer is complete: a number, and more of them with time. */
const maxResets = 100;
const resetsPerSecond = 10;
/** Bytes that carry neither heads nor bodies: a number, and more of them with time and with each other byte. */
const maxOverheadBytes = 65_536;
const overheadBytesPerSecond = 8192;
const overheadPerStreamBytes = 1024;
const overheadPerBodyByte = 1 / 4;
const overheadPerSentByte = 1 / 256;
/** Bytes of a body that a client can have sent before it learns that the stream has ended. Node reports none of them. */
const streamWindowBytes = 65_535;
/** Size of the answer to a PING. */
const pingBytes = 17;
/** Time in ms in which the last frames of a session are sent. */
const closeGraceMs = 1000;
/** The first GOAWAY names this stream, so that requests on their way to the proxy are still served. */
const lastPossibleStream = 2 ** 31 - 1;

const settings = {
  maxConcurrentStreams: maxStreams,
  maxHeaderListSize: maxStoredHeadBytes,
  initialWindowSize: streamWindowBytes,
};

export class ClientSession implements ReadingConnection {
  readonly #parts: SessionParts;
  readonly #socket: Socket;
  readonly #session: ServerHttp2Session;
  readonly #resets: Allowance;
  /** Streams that may end before the body of their request. */
  readonly #cutBodies: Allowance;
  readonly #overhead: Allowance;
  readonly #sockets = new Set<StreamSocket>();
  #headBytes = 0;
  /** Bytes received that carried heads and bodies, with what they allow in overhead. */
  #usefulBytes = 0;
  #countedBytes = 0;
  #bodyBytes = 0;
  /** Bytes that had arrived at the last PING, with its answer. */
  #probedBytes = 0;
  #pingSinceMs: number | undefined;
  #idleSinceMs: number;
  #closingSinceMs: number | undefined;
  #hasNotice = false;
  /** See `UnfinishedHeads`. */
  hasNewRequest = false;
  hasReceivedRequest = false;
  announcedBytes = 0;
  readonly upload = undefined;

  constructor(socket: Socket, parts: SessionParts) {
    this.#parts = parts;
    this.#socket = socket;
    const nowMs = performance.now();
    this.#idleSinceMs = nowMs;
    this.#resets = new Allowance(maxResets, resetsPerSecond, nowMs);
    this.#cutBodies = new Allowance(maxResets, resetsPerSecond, nowMs);
    this.#overhead = new Allowance(maxOverheadBytes, overheadBytesPerSecond, nowMs);
    // node:http2 takes its listener away before the socket is closed. A late error must not end the process.
    socket.on('error', () => undefined);
    this.#session = performServerHandshake(socket, {
      settings,
      maxHeaderListPairs: maxStoredFields,
      maxSessionInvalidFrames: maxInvalidFrames,
      maxSessionMemory: maxMemory,
    });
    this.#session.on(
      'stream',
      (stream: ServerHttp2Stream, _headers: unknown, _flags: unknown, list: readonly string[]) =>
        this.#open(stream, list),
    );
    this.#session.on('error', (error: NodeJS.ErrnoException) => this.#failed(error));
    this.#session.on('goaway', () => this.#beginClosing());
    socket.on('close', () => parts.closed(this));
  }

  /** Bytes received that were not bodies. */
  get bytesRead(): number {
    return this.#socket.bytesRead - this.#bodyBytes;
  }

  /** To be called every second. */
  check(nowMs: number): void {
    // node:http2 may end a session by itself, and reports it only when the client has read what was written.
    if (this.#session.destroyed) this.#beginClosing();
    if (this.#closingSinceMs !== undefined) {
      const isLate = nowMs - this.#closingSinceMs >= closeGraceMs;
      if (isLate && (this.#session.destroyed || this.#sockets.size === 0)) this.#socket.destroy();
      return;
    }
    // Bytes of a body that wait for the proxy are not read yet.
    let unreadBytes = 0;
    for (const socket of this.#sockets) {
      this.#countBody(socket);
      if (socket.isReceiving) unreadBytes += streamWindowBytes;
    }
    const allowed = this.#usefulBytes + this.#socket.bytesWritten * overheadPerSentByte;
    const overhead = Math.max(this.bytesRead - allowed - unreadBytes, this.#countedBytes);
    const more = overhead - this.#countedBytes;
    this.#countedBytes = overhead;
    this.#probe(nowMs);
    if (!this.#overhead.spend(more, nowMs)) this.#refuse('http2_flood');
    else if (nowMs - (this.#pingSinceMs ?? nowMs) >= this.#parts.stallMs) {
      this.#refuse('slow_reader');
    } else if (this.#sockets.size === 0 && nowMs - this.#idleSinceMs >= this.#idleTimeoutMs) {
      this.close();
    }
  }

  /** Tells the client to use another connection for further requests. Requests on their way are served. */
  drain(): void {
    if (this.#hasNotice || this.#isOver) return;
    this.#hasNotice = true;
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, lastPossibleStream);
  }

  /** Takes no further streams, and closes the connection when the open ones have ended. */
  close(): void {
    if (this.#isOver) return;
    this.#session.close();
    this.#beginClosing();
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#beginClosing();
    this.#session.destroy();
    this.#socket.destroy();
  }

  get #isOver(): boolean {
    return this.#session.closed || this.#session.destroyed;
  }

  get #idleTimeoutMs(): number {
    const { headersTimeoutMs, idleTimeoutMs } = this.#parts;
    return this.hasReceivedRequest ? idleTimeoutMs : headersTimeoutMs;
  }

  /**
   * Sends a PING in a second in which bytes have arrived. After some errors node:http2 sends GOAWAY, and then reads and
   * reports nothing, not even that the client has closed the connection. Then the PING has no answer.
   */
  #probe(nowMs: number): void {
    const { bytesRead } = this.#socket;
    if (bytesRead <= this.#probedBytes || this.#pingSinceMs !== undefined) return;
    this.#probedBytes = bytesRead + pingBytes;
    this.#pingSinceMs = nowMs;
    this.#session.ping((error) => {
      if (error === null) this.#pingSinceMs = undefined;
    });
  }

  #open(stream: ServerHttp2Stream, list: readonly string[]): void {
    stream.on('error', () => undefined);
    this.hasNewRequest = true;
    this.hasReceivedRequest = true;
    this.#idleSinceMs = performance.now();
    const head = readStreamHead(list, maxHeadBytes, !stream.endAfterHeaders);
    const bytes = list.reduce((sum, text) => sum + text.length, 0);
    this.#usefulBytes += bytes + overheadPerStreamBytes;
    if (stream.destroyed || stream.closed) {
      this.#countReset();
      return;
    }
    if (typeof head === 'string') {
      this.#answer(stream, head);
      return;
    }
    const { heads, maxHeadBytes: maxOfAll } = this.#parts;
    const { costBytes } = head;
    const maxOwn = Math.max(maxOwnHeadBytes, maxOfAll * headShare);
    if (this.#headBytes + costBytes > maxOwn || heads.bytes + costBytes > maxOfAll) {
      this.#parts.refused('queue_bytes');
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    this.#headBytes += costBytes;
    heads.bytes += costBytes;
    const socket = new StreamSocket(stream, this.#socket);
    const request = new StreamRequest(stream, socket, head);
    const response = new StreamResponse(stream, socket, request);
    this.#sockets.add(socket);
    let isOver = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      this.#headBytes -= costBytes;
      heads.bytes -= costBytes;
      this.#sockets.delete(socket);
      this.#countBody(socket);
      const isCut = !request.complete || response.wasEarly;
      if (isCut && this.#cutBodies.spend(1, performance.now()))
        this.#usefulBytes += streamWindowBytes;
      const isReset = !socket.destroyed && !response.writableFinished;
      socket.gone();
      request.gone();
      response.gone();
      this.#idleSinceMs = performance.now();
      if (isReset) this.#countReset();
    };
    stream.once('close', over);
    stream.once('aborted', over);
    if (this.#parts.isDraining()) this.drain();
    this.#parts.serve(request, response, head.expectation);
  }

  /** Answers a request that has no exchange. */
  #answer(stream: ServerHttp2Stream, refusal: HeadRefusal): void {
    const { status, reason } = headRefusals[refusal];
    this.#parts.refused(reason);
    const { headers, body } = answerForRefusal(status, reason, false);
    const fields: Record<string, string | number> = { ':status': status };
    for (let i = 0; i < headers.length; i += 2) fields[headers[i] ?? ''] = headers[i + 1] ?? '';
    fields['content-length'] = body.length;
    stream.respond(fields);
    stream.end(body, () => stream.close(constants.NGHTTP2_NO_ERROR));
  }

  #countBody(socket: StreamSocket): void {
    const more = socket.takeUncounted();
    this.#bodyBytes += more;
    this.#usefulBytes += more * overheadPerBodyByte;
  }

  #countReset(): void {
    if (this.#closingSinceMs !== undefined) return;
    if (!this.#resets.spend(1, performance.now())) this.#refuse('http2_resets');
  }

  #refuse(reason: RefusalReason): void {
    this.#beginClosing();
    this.#parts.refused(reason);
    this.#session.destroy(new Error(reason), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #failed({ code = '' }: NodeJS.ErrnoException): void {
    if (this.#closingSinceMs !== undefined) return;
    this.#beginClosing();
    if (code === 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES') this.#parts.refused('http2_flood');
    else if (code === 'ERR_HTTP2_ERROR') this.#parts.refused('malformed');
  }

  #beginClosing(): void {
    this.#closingSinceMs ??= performance.now();
  }
}
