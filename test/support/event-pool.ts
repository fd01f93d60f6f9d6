/** A pool that leaves its answers to polls and POSTs to the test, and clients with raw connections. */
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { startProxy, type TestProxy } from './proxy.ts';
import { type RawAnswer, RawClient } from './raw-client.ts';
import { startScriptedPool } from './scripted-pool.ts';
import { app } from './ucwa-client.ts';

export const invitations = `${app}/communication/messagingInvitations`;
export const location = `${invitations}/i1`;
export const operationId = 'operation-0001';

/** A request that arrived at the pool, and its connection. */
export interface PoolRequest {
  readonly text: string;
  readonly socket: Socket;
}

export interface EventPool {
  readonly url: string;
  /** Resolves to the next request that is a poll, or another request. */
  readonly next: (kind: 'post' | 'poll') => Promise<PoolRequest>;
}

export async function startEventPool(): Promise<EventPool> {
  const arrived = { post: [] as PoolRequest[], poll: [] as PoolRequest[] };
  let wake: () => void = () => undefined;
  const { url } = await startScriptedPool((text, socket) => {
    arrived[/^GET \S*\/events/.test(text) ? 'poll' : 'post'].push({ text, socket });
    wake();
  });
  return {
    url,
    next: async (kind) => {
      for (;;) {
        const request = arrived[kind].shift();
        if (request !== undefined) return request;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

const token = 'cwt=sim-ann';

export function get(target: string, user = token): string {
  return `GET ${target} HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer ${user}\r\n\r\n`;
}

export const poll = get(`${app}/events?ack=1`);

export function post(
  body = `{"importance":"Normal","operationId":"${operationId}"}`,
  { target = invitations, fields = '' } = {},
): string {
  const head = `POST ${target} HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer ${token}\r\n${fields}`;
  return `${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** An answer with a length. */
export function answer(status: string, body: string | Buffer = '', fields = ''): Buffer {
  const head = `HTTP/1.1 ${status}\r\n${fields}Content-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

export const created = answer('201 Created', '', `Location: ${location}\r\n`);

interface EventFacts {
  readonly href?: string;
  readonly type?: string;
  readonly id?: string;
}

/** The JSON of an answer with one event. */
export function eventJson({ href = location, type = 'started', id }: EventFacts = {}): string {
  const event = {
    _embedded: { messagingInvitation: { operationId: id, state: 'Connecting' } },
    link: { href, rel: 'messagingInvitation' },
    type,
  };
  return JSON.stringify({
    _links: { next: { href: `${app}/events?ack=2` } },
    sender: [{ events: [event], href: `${app}/communication`, rel: 'communication' }],
  });
}

/** The XML of an answer with one event. */
export function eventXml({ href = location, type = 'started', id = '' }: EventFacts = {}): string {
  const property = `<property name="operationId">${id}</property>`;
  const event = `<${type} rel="x" href="${href}"><resource rel="x" href="${href}">${property}</resource></${type}>`;
  return `<?xml version="1.0"?><events href="${app}/events?ack=1"><sender rel="communication" href="${app}/communication">${event}</sender></events>`;
}

export const zipped = (text: string): Buffer =>
  answer('200 OK', gzipSync(text), 'Content-Encoding: gzip\r\n');

/** A client that sends a request, and notes in a shared list when its answer is complete. */
export class NotingClient {
  readonly raw: RawClient;
  readonly answered: Promise<RawAnswer>;
  /** Time of the answer, in ms of `performance.now()`. */
  answeredAtMs = NaN;

  constructor(port: number, name: string, request: string, order: string[]) {
    this.raw = new RawClient(port);
    this.raw.send(request);
    this.answered = this.raw.readAnswer().then((received) => {
      order.push(name);
      this.answeredAtMs = performance.now();
      return received;
    });
    this.answered.catch(() => undefined);
  }
}

export const ok = (body: string): Buffer => answer('200 OK', body);

/** An event of the operation that `post()` starts. */
export const named = ok(eventJson({ id: operationId }));

/** An event of no operation. */
export const unrelated = ok(eventJson({ href: `${app}/people/1`, type: 'updated' }));

/** Returns a counter of the metric. */
export async function heldEvents(proxy: TestProxy, outcome: string): Promise<number | undefined> {
  return (await proxy.metrics()).get(`ucwa_proxy_held_events_total{outcome="${outcome}"}`);
}

interface Scene {
  readonly proxy: TestProxy;
  /** The names of the answers that are complete: `event`, `201`. */
  readonly order: string[];
  readonly poller: NotingClient;
  readonly poster: NotingClient;
  readonly pollAtPool: PoolRequest;
  readonly postAtPool: PoolRequest;
  readonly next: EventPool['next'];
}

/** Starts a poll, and then a POST, each on a connection of its own. Both have arrived at the pool. */
export async function startScene(
  posted = post(),
  env: Readonly<Record<string, string>> = {},
  polled = poll,
): Promise<Scene> {
  const { url, next } = await startEventPool();
  const proxy = await startProxy(url, env);
  const order: string[] = [];
  const poller = new NotingClient(proxy.port, 'event', polled, order);
  const pollAtPool = await next('poll');
  const poster = new NotingClient(proxy.port, '201', posted, order);
  const postAtPool = await next('post');
  return { proxy, order, poller, poster, pollAtPool, postAtPool, next };
}
