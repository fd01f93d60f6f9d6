/** Reads HTTP requests, lets the router answer them, and applies the faults of the script. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Answer, toAnswer } from '../representation/answer.ts';
import { readBatch } from '../batch/batch-reading.ts';
import { runStream } from './byte-streams.ts';
import type { Counters, Exchange } from './exchange.ts';
import { cutsBody, executes, faultOf } from '../faults/fault.ts';
import { substituteFor } from '../faults/fault-answer.ts';
import type { FaultScript } from '../faults/fault-script.ts';
import { type Router, isBatch } from './router.ts';
import { type FlatHeaders, headerValue } from '../representation/headers.ts';
import type { ConnectionSignIn } from '../sign-in/connection-sign-in.ts';
import type { Origins } from '../sign-in/origins.ts';
import type { Ledger, RequestRecord } from '../pool/request-log.ts';
import { failed } from '../representation/outcome.ts';
import { Reply } from './reply.ts';
import { gzipped, offersGzip, serverHeaders } from './server-headers.ts';
import { locate, type Place } from '../pool/target.ts';
import type { Timers } from '../pool/timers.ts';

/** Maximum size of a body. The real pool's bound is unknown. */
const maxBodyBytes = 16 * 1024 * 1024;

const nothing = Buffer.alloc(0);

export interface HttpEdgeParts {
  readonly ledger: Ledger;
  readonly faults: FaultScript;
  readonly timers: Timers;
  readonly counters: Counters;
  readonly router: Router;
  readonly origins: Origins;
  /** Whether answers are compressed for clients that accept gzip. */
  readonly compress: boolean;
  /** Returns the sign-in of a new connection. */
  readonly newSignIn: () => ConnectionSignIn;
}

export class HttpEdge {
  readonly #with: HttpEdgeParts;
  readonly #signIns = new WeakMap<Socket, ConnectionSignIn>();

  constructor(parts: HttpEdgeParts) {
    this.#with = parts;
  }

  /** Answers one request. Rejects if the client disconnects in the middle of its body. */
  async serve(request: IncomingMessage, response: ServerResponse, server: string): Promise<void> {
    const { counters, ledger, faults: script, timers, router, origins } = this.#with;
    const { method = 'GET', url: target = '/', rawHeaders: headers } = request;
    const record = ledger.received(method, target, headers);
    const place = locate(target);
    const host = request.headers.host ?? '';
    const { user, credential } = router.visitor(place, headers, host);
    const kind = isBatch(place, method) ? 'batch' : 'single';
    counters.requests++;
    if (kind === 'batch') counters.batches++;
    const faults = script.take({ kind, method, target, user, host, server });
    const reply = new Reply(response, request.socket, timers, faults);
    const fieldsOf = (own: FlatHeaders) =>
      serverHeaders([...own, ...origins.fields(headers)], headers, server);
    const head = {
      ...{ method, target, host, headers, user, credential, record, faults, reply, server },
      ...{ fieldsOf, connection: this.#signIn(request.socket) },
    };
    const readsBody = faultOf(faults, 'status')?.early !== true;
    const isStream = place.kind === 'stream';
    const body = readsBody && !isStream ? await this.#read(request, record) : nothing;
    const batch = kind === 'batch' ? readBatch(headers, body) : undefined;
    if (batch?.kind === 'batch') record.parts = batch.parts;
    const exchange: Exchange = { ...head, body, batch };
    await timers.wait(faultOf(faults, 'delay')?.ms ?? 0);
    if (!executes(faults)) return this.#finish(exchange, undefined);
    if (record.bodyBytes > maxBodyBytes && !isStream) {
      return this.#finish(exchange, toAnswer(failed(413), '', method, headers));
    }
    if (place.kind === 'stream') return this.#stream(exchange, place, request);
    const answer = await router.answer(exchange, place);
    if (answer) await this.#finish(exchange, answer);
  }

  #signIn(socket: Socket): ConnectionSignIn {
    let signIn = this.#signIns.get(socket);
    if (!signIn) {
      signIn = this.#with.newSignIn();
      this.#signIns.set(socket, signIn);
    }
    return signIn;
  }

  async #read(request: AsyncIterable<Buffer>, record: RequestRecord): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.#recorded(request, record)) {
      if (record.bodyBytes <= maxBodyBytes) chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async *#recorded(request: AsyncIterable<Buffer>, record: RequestRecord): AsyncIterable<Buffer> {
    for await (const chunk of request) {
      this.#with.ledger.receivedBody(record, chunk);
      yield chunk;
    }
    record.complete = true;
  }

  async #stream(
    exchange: Exchange,
    { name, query }: Extract<Place, { kind: 'stream' }>,
    request: AsyncIterable<Buffer>,
  ): Promise<void> {
    const { method, target, headers, user, credential, record, reply } = exchange;
    const isReplaced = (['hang', 'junk', 'status', 'html'] as const).some(
      (kind) => faultOf(exchange.faults, kind) !== undefined,
    );
    if (isReplaced) return this.#finish(exchange, undefined);
    const body = this.#recorded(request, record);
    const isKnown = await runStream({ method, name, query, headers, body }, reply);
    if (!isKnown) {
      return this.#finish(exchange, { status: 404, headers: [], body: nothing });
    }
    const place = { application: undefined, batchId: undefined, position: undefined };
    const entry = { user, credential, method, target, headers, requestId: record.id, status: 200 };
    this.#with.ledger.ran({ ...entry, ...place, via: 'single' });
  }

  /** Sends the answer, or what a fault demands instead. `answer` is undefined if nothing ran. */
  async #finish(exchange: Exchange, answer: Answer | undefined): Promise<void> {
    const { faults, headers, reply } = exchange;
    if (faultOf(faults, 'hang')) return reply.gone;
    const junk = faultOf(faults, 'junk');
    if (junk) {
      reply.junk(junk.bytes ?? 'SSH-2.0-OpenSSH_9.2\r\n');
      return;
    }
    const last = substituteFor(faults, headers) ?? answer;
    return last ? this.#send(exchange, last) : reply.reset();
  }

  async #send(exchange: Exchange, answer: Answer): Promise<void> {
    const { method, headers, faults, reply, fieldsOf } = exchange;
    // The places of cuts are those in the uncompressed answer.
    const isOffered = this.#with.compress && offersGzip(headers) && !cutsBody(faults);
    const isCompressed = isOffered || faultOf(faults, 'gzip') !== undefined;
    const { status, headers: own, body } = isCompressed ? await gzipped(answer) : answer;
    const truncate = faultOf(faults, 'truncate');
    const sent = truncate?.framing === 'complete' ? body.subarray(0, truncate.afterBytes) : body;
    const isChunked =
      headerValue(own, 'content-encoding') !== undefined || truncate?.framing === 'chunked';
    const hasLength = !isChunked && status !== 204 && status !== 304;
    const length = hasLength ? ['Content-Length', String(sent.length)] : [];
    await reply.head(status, fieldsOf([...own, ...length]));
    if (method !== 'HEAD') await reply.write(sent);
    reply.end();
  }
}
