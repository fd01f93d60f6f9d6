/** Calls with unique `X-Nonce` fields, which identify the calls at the pool. */
import type { Simulator } from '../../src/simulator/simulator.ts';
import { app, type Answer, type Asked, type UcwaClient } from './ucwa-client.ts';

export interface NonceCall {
  readonly nonce: string;
  readonly method: string;
  readonly target: string;
}

export interface Answered extends NonceCall {
  readonly answer: Answer;
}

export function readCalls(count: number, tag = '', application = app): NonceCall[] {
  return Array.from({ length: count }, (_, i) => ({
    nonce: `get${tag}${i}`,
    method: 'GET',
    target: `${application}/me/note?n=${tag}${i}`,
  }));
}

/** Returns writes, each to a different resource. */
export function writeCalls(count: number, tag = ''): NonceCall[] {
  return Array.from({ length: count }, (_, i) => {
    const nonce = `write${tag}${i}`;
    if (i === 0) return { nonce, method: 'POST', target: `${app}/me/note` };
    if (i === 1) return { nonce, method: 'PUT', target: `${app}/me/callForwardingSettings` };
    return { nonce, method: 'DELETE', target: `${app}/communication/conversations/${tag}${i}` };
  });
}

/** Sends all calls at once. */
export function askEach(
  client: UcwaClient,
  calls: readonly NonceCall[],
  asked: Asked = {},
): Promise<Answered[]> {
  return Promise.all(
    calls.map(async (call) => {
      const { method, target, nonce } = call;
      const headers = { ...asked.headers, 'X-Nonce': nonce };
      return { ...call, answer: await client.ask(target, { ...asked, method, headers }) };
    }),
  );
}

/** One request that carried a call to the pool. */
export interface Sending {
  /** Number of calls in the request: 1 for a single request. */
  readonly parts: number;
  readonly at: number;
}

/** The requests that carried the call, in order of arrival. */
export function sendings(pool: Simulator, nonce: string): Sending[] {
  const found: Sending[] = [];
  for (const { at, rawHeaders, parts } of pool.ledger.requests()) {
    if (carries(rawHeaders, nonce)) found.push({ parts: 1, at });
    else if (parts.some(({ headers }) => carries(headers, nonce))) {
      found.push({ parts: parts.length, at });
    }
  }
  return found;
}

function carries(headers: readonly string[], nonce: string): boolean {
  return headers.some(
    (name, i) => i % 2 === 0 && /^x-nonce$/i.test(name) && headers[i + 1] === nonce,
  );
}
