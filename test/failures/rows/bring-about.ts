/** Causes the failure of a row for calls of one method, and reports the fate of each call. */
import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { onCleanup } from '../../support/cleanup.ts';
import { deafPort } from '../../support/deaf-port.ts';
import { freePort } from '../../support/free-port.js';
import { type Answered, askEach, type NonceCall, sendings } from '../../support/nonce-calls.ts';
import { startPool } from '../../support/pool.ts';
import { startProxy, type TestProxy } from '../../support/proxy.ts';
import { startScriptedPool } from '../../support/scripted-pool.ts';
import { app, UcwaClient } from '../../support/ucwa-client.ts';
import type { Case, Elsewhere, Method } from './row.ts';

/** The fate of one call. */
export interface Fate {
  readonly call: Answered;
  /** The status of the resource for each time that the call ran. */
  readonly ran: readonly number[];
  /** The number of parts of each request that carried the call. */
  readonly sent: readonly number[];
}

export interface BroughtAbout {
  readonly fates: readonly Fate[];
  readonly proxy: TestProxy;
}

/**
 * Returns calls to different resources. Answers to them are long enough for the offsets of the
 * rows.
 */
export function callsOf(method: Method, count: number, tag = 'call'): NonceCall[] {
  return Array.from({ length: count }, (_, i) => {
    const nonce = `${tag}-${i}-`.padEnd(100, 'x');
    const conversation = `${app}/communication/conversations/${tag}${i}`;
    switch (method) {
      case 'GET':
        return { nonce, method, target: `${app}/me/note?n=${tag}${i}` };
      case 'POST':
        return { nonce, method, target: `${conversation}/messaging/typing` };
      default:
        return { nonce, method, target: conversation };
    }
  });
}

export async function bringAbout(one: Case, method: Method): Promise<BroughtAbout> {
  return one.elsewhere === undefined
    ? atThePool(one, method)
    : await beside(one.elsewhere, one, method);
}

async function atThePool(one: Case, method: Method): Promise<BroughtAbout> {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, settings(one));
  const client = new UcwaClient(proxy.url);
  if (one.warm === true) await askEach(client, callsOf(method, 3, 'warm'));
  const on = { kind: one.travels === undefined ? 'batch' : 'single' } as const;
  const { fault } = one;
  if (fault !== undefined) pool.faults.add({ on, ...one.rule, fault });
  const answered = await ask(client, one, method);
  return { proxy, fates: answered.map((call) => ({ call, ...fateAt(pool, call) })) };
}

export function fateAt(pool: Simulator, call: NonceCall): Omit<Fate, 'call'> {
  return {
    ran: pool.ledger.executions(call.nonce).map(({ status }) => status),
    sent: [...unread(pool), ...sendings(pool, call.nonce).map(({ parts }) => parts)],
  };
}

/** The batches that the pool answered before it read them. The pool does not know their calls. */
function unread(pool: Simulator): number[] {
  const isUnread = ({ target, parts }: { target: string; parts: readonly unknown[] }): boolean =>
    target.endsWith('/batch') && parts.length === 0;
  return pool.ledger
    .requests()
    .filter(isUnread)
    .map(() => 0);
}

/** Calls a pool other than the simulator. The calls do not run there. */
async function beside(elsewhere: Elsewhere, one: Case, method: Method): Promise<BroughtAbout> {
  const requests: string[] = [];
  const url = await urlOf(elsewhere, requests);
  const proxy = await startProxy(url, {
    ...settings(one),
    UCWA_PROXY_UPSTREAM_CONNECT_TIMEOUT_MS: '200',
  });
  const answered = await ask(new UcwaClient(proxy.url), one, method);
  const fates = answered.map((call) => ({
    call,
    ran: [],
    sent: requests
      .filter((request) => request.includes(call.nonce))
      .map((request) => request.match(/^X-Nonce: /gim)?.length ?? 0),
  }));
  return { proxy, fates };
}

function settings(one: Case): Record<string, string> {
  const { travels, withinMs } = one;
  return {
    UCWA_PROXY_BATCHING_MODE: travels === 'alone' ? 'off' : 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: String(Math.min(1000, withinMs ?? 1000)),
    UCWA_PROXY_BATCHING_MAX_PARTS: '3',
    ...(withinMs === undefined ? {} : { UCWA_PROXY_UPSTREAM_TIMEOUT_MS: String(withinMs) }),
  };
}

function ask(client: UcwaClient, one: Case, method: Method): Promise<Answered[]> {
  const { travels, bodyBytes = 0 } = one;
  const hasBody = bodyBytes > 0 && (method === 'PUT' || method === 'POST');
  return askEach(client, callsOf(method, travels === undefined ? 3 : 1), {
    headers: travels === 'passed through' ? { 'X-Ucwa-Batch': 'never' } : {},
    ...(hasBody ? { body: Buffer.alloc(bodyBytes, 'x') } : {}),
  });
}

async function urlOf(elsewhere: Elsewhere, requests: string[]): Promise<string> {
  if (typeof elsewhere === 'object') {
    const pool = await startScriptedPool((request, socket) => {
      requests.push(request);
      elsewhere.script(request, socket);
    });
    return pool.url;
  }
  switch (elsewhere) {
    case 'no listener':
      return `http://127.0.0.1:${await freePort()}`;
    case 'a name that does not exist':
      return 'http://pool.invalid';
    case 'a port that answers no SYN':
      return `http://127.0.0.1:${await deafPort()}`;
    case 'https to a port without TLS':
      return (await startPool()).url.replace('http:', 'https:');
    case 'an untrusted certificate':
      return strangersUrl(requests);
  }
}

async function strangersUrl(requests: string[]): Promise<string> {
  const read = (name: string): Buffer =>
    readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url));
  const server = createTlsServer(
    { cert: read('server.pem'), key: read('server.key') },
    (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => void requests.push(bytes.toString()));
    },
  );
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => void server.close());
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}
