/** A simulated pool behind a server that changes its requests and answers, so that one property differs. */
import { createServer, request as send, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Simulator, SimulatorOptions } from '../../src/simulator/simulator.ts';
import { onCleanup } from './cleanup.ts';
import { startPool } from './pool.ts';

interface FlippedRequest {
  method: string;
  target: string;
  readonly headers: IncomingMessage['headers'];
  /** The bytes as characters. */
  body: string;
  readonly isBatch: boolean;
  readonly socket: Socket;
}

export interface FlippedAnswer {
  status: number;
  /** Names and values in turn. */
  headers: string[];
  /** The bytes as characters. */
  body: string;
}

export interface Flip {
  readonly options?: SimulatorOptions;
  readonly prepare?: (pool: Simulator) => void;
  /** Changes a request, or returns an answer that the pool does not give. */
  readonly request?: (request: FlippedRequest) => FlippedAnswer | undefined;
  readonly answer?: (answer: FlippedAnswer, request: FlippedRequest) => void;
}

export interface FlippedPool {
  readonly url: string;
  readonly pool: Simulator;
  /** The statuses of all answers to batches. */
  readonly batchStatuses: readonly number[];
}

export const refusal = (status: number, headers: readonly string[] = []): FlippedAnswer => ({
  status,
  headers: ['Content-Type', 'text/html', ...headers],
  body: '<html>no</html>',
});

export async function startFlippedPool(flip: Flip): Promise<FlippedPool> {
  const pool = await startPool(flip.options);
  flip.prepare?.(pool);
  const batchStatuses: number[] = [];
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method = '', url: target = '', headers, socket } = incoming;
      const isBatch = method === 'POST' && target.endsWith('/batch');
      const body = Buffer.concat(chunks).toString('latin1');
      const request: FlippedRequest = { method, target, headers, body, isBatch, socket };
      const reply = (answer: FlippedAnswer): void => {
        flip.answer?.(answer, request);
        if (isBatch) batchStatuses.push(answer.status);
        const bytes = Buffer.from(answer.body, 'latin1');
        const length = answer.status === 204 ? [] : ['Content-Length', String(bytes.length)];
        response.sendDate = false;
        response.writeHead(answer.status, [...answer.headers, ...length]).end(bytes);
      };
      const own = flip.request?.(request);
      if (own !== undefined) reply(own);
      else forward(pool.port, request, reply);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // The links of the pool lead to the server in front of it.
  if (flip.options?.publicUrl === undefined) pool.setSites({ publicUrl: url });
  return { url, pool, batchStatuses };
}

const framing = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive']);

function forward(
  port: number,
  { method, target, headers, body }: FlippedRequest,
  reply: (answer: FlippedAnswer) => void,
): void {
  const bytes = Buffer.from(body, 'latin1');
  const kept = Object.entries(headers).filter(([name]) => !framing.has(name));
  const own = Object.fromEntries(kept);
  const options = { host: '127.0.0.1', port, method, path: target, agent: false };
  const asked = send(
    {
      ...options,
      headers: { ...own, 'accept-encoding': 'identity', 'content-length': bytes.length },
    },
    (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        reply({
          status: response.statusCode ?? 0,
          headers: withoutFraming(response.rawHeaders),
          body: Buffer.concat(chunks).toString('latin1'),
        }),
      );
      response.on('error', () => undefined);
    },
  );
  asked.on('error', () => undefined);
  asked.end(bytes);
}

function withoutFraming(raw: readonly string[]): string[] {
  return raw.flatMap((name, i) =>
    i % 2 === 0 && !framing.has(name.toLowerCase()) ? [name, raw[i + 1] ?? ''] : [],
  );
}

/** Returns the headers without the field. */
export function without(headers: readonly string[], field: string): string[] {
  return headers.flatMap((name, i) =>
    i % 2 === 0 && name.toLowerCase() !== field ? [name, headers[i + 1] ?? ''] : [],
  );
}
