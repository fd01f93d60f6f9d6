/**
 * A new simulated pool for each test of the file that imports this one. The pool answers at once, and accepts
 * any application.
 */
import { afterEach, beforeEach } from '@jest/globals';
import type { Fault } from '../../src/simulator/faults/fault.ts';
import {
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../src/simulator/simulator.ts';
import { batchRequest, get, post as postPart } from './batch/batch-text.ts';
import { bearer, type ClientAnswer, type ClientRequest, send } from './http-client.ts';

export const base = '/ucwa/oauth/v1/applications/104';
export let pool: Simulator;
export let batchUrl: string;

async function start(options: SimulatorOptions): Promise<void> {
  pool = await startSimulator(options);
  batchUrl = `${pool.url}${base}/batch`;
}

beforeEach(() => start({ latency: 0, applications: 'any' }));
afterEach(() => pool.stop());

/** Starts a pool with these options in place of the other one. */
export async function startOther(options: SimulatorOptions): Promise<void> {
  await pool.stop();
  await start(options);
}

/** Sends a request below the application. */
export function call(
  path: string,
  request: ClientRequest = {},
  user = 'ann',
): Promise<ClientAnswer> {
  return send(`${pool.url}${base}/${path}`, {
    ...request,
    headers: { ...bearer(user), ...request.headers },
  });
}

export function post(path: string, body = '', type = 'application/json'): Promise<ClientAnswer> {
  return call(path, { method: 'POST', body, headers: { 'Content-Type': type } });
}

/** Sends a request of ann for her events. */
export function poll(query: string, signal?: AbortSignal): Promise<ClientAnswer> {
  return call(`events?${query}`, signal === undefined ? {} : { signal });
}

/** Resolves when `count` polls are parked. */
export async function parked(count: number): Promise<void> {
  while (pool.stats().parkedPolls !== count) await new Promise(setImmediate);
}

/** A read, a write, and a read. */
export const threeParts = [
  get(`${base}/me`),
  postPart(`${base}/me/note`, '{}'),
  get(`${base}/me/note`),
];

/** Sends a batch of `threeParts` that meets these faults. */
export function sendBatch(...faults: Fault[]): Promise<ClientAnswer> {
  if (faults.length > 0) pool.faults.add({ on: { kind: 'batch' }, fault: faults });
  return send(batchUrl, batchRequest('ann', threeParts));
}
