/**
 * Requests to one pool with the credential of one user. A session sends at most a fixed number of requests,
 * in a fixed time, with a fixed number of bytes. It follows no redirect and no link to another origin, so the
 * credential reaches only the pool that the operator named.
 */
import { gunzipSync, inflateSync } from 'node:zlib';
import type { FaultName } from '../../core/messages/fault.ts';
import { headerValue, type RawHeaders } from '../../core/messages/http-message.ts';
import type { Exchange, Upstream } from '../../upstream/exchange.ts';

export interface Bounds {
  readonly requests: number;
  readonly ms: number;
  /** Bytes of bodies, sent and received. */
  readonly bytes: number;
}

/** One field of the credential, such as `Authorization`. */
export type Credential = readonly [name: string, value: string];

export interface Request {
  /** Default `GET`. */
  readonly method?: string;
  readonly target: string;
  /** Fields without the credential. `Host` and `Accept` have defaults. */
  readonly headers?: RawHeaders;
  readonly body?: Buffer;
  /** Whether the request carries the credential; default true. */
  readonly isSigned?: boolean;
}

export interface PoolAnswer {
  readonly status: number;
  readonly headers: RawHeaders;
  /** The body without its content coding, if the coding is known. */
  readonly body: Buffer;
  /** The pieces in which the coded body arrived. */
  readonly pieces: ReadonlyArray<{ readonly bytes: Buffer; readonly atMs: number }>;
}

/** The pool gave no complete answer. */
export class NoAnswer extends Error {
  readonly fault: FaultName;

  constructor(fault: FaultName) {
    super(`no complete answer: ${fault}`);
    this.fault = fault;
  }
}

/** The session sends no further request. */
export class BoundReached extends Error {}

/** An open request. */
export interface OpenRequest {
  readonly answer: Promise<PoolAnswer>;
  readonly exchange: Exchange;
}

const maxDecodedBytes = 8 * 1024 * 1024;

/** The requests, bytes and time that all sessions of one run share. */
export class Allowance {
  readonly now: () => number;
  requests = 0;
  bytes = 0;
  readonly #bounds: Bounds;
  readonly #startedAtMs: number;
  #stopped: string | undefined;

  /** @param now milliseconds of a clock that never goes back */
  constructor(bounds: Bounds, now: () => number) {
    this.#bounds = bounds;
    this.now = now;
    this.#startedAtMs = now();
  }

  get elapsedMs(): number {
    return this.now() - this.#startedAtMs;
  }

  /** Makes all further requests fail, except those that put back. */
  stop(reason: string): void {
    this.#stopped ??= reason;
  }

  /** @throws BoundReached */
  check(): void {
    const { requests, ms, bytes } = this.#bounds;
    if (this.#stopped !== undefined) throw new BoundReached(this.#stopped);
    if (this.requests >= requests) throw new BoundReached(`${requests} requests were sent`);
    if (this.elapsedMs >= ms) throw new BoundReached(`${ms / 1000} s are over`);
    if (this.bytes >= bytes) throw new BoundReached(`${bytes} bytes were moved`);
  }
}

export interface SessionParts {
  readonly upstream: Upstream;
  readonly authority: string;
  readonly credential: Credential;
  readonly allowance: Allowance;
}

export class PoolSession {
  readonly authority: string;
  readonly credential: Credential;
  readonly allowance: Allowance;
  readonly #upstream: Upstream;
  readonly #user = { name: 'verify' };

  constructor({ upstream, authority, credential, allowance }: SessionParts) {
    this.authority = authority;
    this.credential = credential;
    this.allowance = allowance;
    this.#upstream = upstream;
  }

  /** Number of open connections. */
  get connections(): number {
    return this.#upstream.connections();
  }

  /** @throws BoundReached, or NoAnswer */
  async ask(request: Request): Promise<PoolAnswer> {
    return this.open(request).answer;
  }

  /** Sends a request that undoes an earlier one. No bound stops it. @throws NoAnswer */
  async putBack(request: Request): Promise<PoolAnswer> {
    return this.#send(request).answer;
  }

  /** @throws BoundReached */
  open(request: Request): OpenRequest {
    this.allowance.check();
    return this.#send(request);
  }

  #send({ method = 'GET', target, headers = [], body, isSigned = true }: Request): OpenRequest {
    const { allowance } = this;
    allowance.requests += 1;
    allowance.bytes += body?.length ?? 0;
    const fields = [...headers];
    if (headerValue(headers, 'host') === undefined) fields.unshift('Host', this.authority);
    if (headerValue(headers, 'accept') === undefined) fields.push('Accept', 'application/json');
    if (isSigned) fields.push(...this.credential);
    let exchange: Exchange | undefined;
    const answer = new Promise<PoolAnswer>((resolve, reject) => {
      const pieces: Array<{ bytes: Buffer; atMs: number }> = [];
      let head: Pick<PoolAnswer, 'status' | 'headers'> = { status: 0, headers: [] };
      let received = 0;
      exchange = this.#upstream.send(
        {
          method,
          target,
          headers: fields,
          body: body ?? Buffer.alloc(0),
          user: this.#user,
          isSafe: true,
          isRetry: false,
          takeRepetition: () => false,
        },
        {
          head: (status, _reason, raw) => (head = { status, headers: raw }),
          data: (chunk) => {
            pieces.push({ bytes: Buffer.from(chunk), atMs: allowance.now() });
            received += chunk.length;
            allowance.bytes += chunk.length;
            if (received > maxDecodedBytes) {
              reject(new NoAnswer('http_response_body_size'));
              exchange?.abort();
            }
          },
          end: () => {
            const whole = Buffer.concat(pieces.map(({ bytes }) => bytes));
            const decoded = decode(whole, headerValue(head.headers, 'content-encoding'));
            if (decoded === undefined) reject(new NoAnswer('http_response_content_coding'));
            else resolve({ ...head, body: decoded, pieces });
          },
          fault: ({ name }) => reject(new NoAnswer(name)),
        },
      );
    });
    // A caller that aborts the exchange may not wait for the answer.
    answer.catch(() => undefined);
    if (exchange === undefined) throw new NoAnswer('proxy_internal_error');
    return { answer, exchange };
  }
}

/** Returns undefined if the body is malformed, or too long. */
function decode(body: Buffer, coding: string | undefined): Buffer | undefined {
  try {
    switch (coding?.trim().toLowerCase()) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(body, { maxOutputLength: maxDecodedBytes });
      case 'deflate':
        return inflateSync(body, { maxOutputLength: maxDecodedBytes });
      default:
        return body;
    }
  } catch {
    return undefined;
  }
}
