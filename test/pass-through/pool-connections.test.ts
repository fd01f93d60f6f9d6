import { afterEach, beforeEach, expect, test } from '@jest/globals';
import http, { type ClientRequest } from 'node:http';
import { PoolConnections } from '../../src/pass-through/pool-connections.ts';
import { Rig, until } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

interface Opened {
  readonly connections: PoolConnections;
  readonly send: () => ClientRequest;
}

async function oneConnection(): Promise<Opened> {
  const pool = await rig.rawPool((socket) => socket.resume());
  const connections = new PoolConnections({
    upstream: new URL(`http://127.0.0.1:${pool.port}`),
    maxConnections: 1,
    connectTimeoutMs: 1000,
    idleSocketTimeoutMs: 1000,
    observer: { unsolicited: () => undefined, internalError: () => undefined },
  });
  rig.onClose(() => connections.close());
  const send = (): ClientRequest => {
    const hook = { agent: connections.agent, onCreated: () => undefined, client: {}, user: '' };
    const request = http.request(hook);
    request.on('error', () => undefined);
    request.on('socket', (socket) => {
      const borrower = { client: undefined, signsIn: false, isBound: false };
      connections.lend(socket, borrower, {
        isWhole: () => false,
        framing: () => undefined,
      });
    });
    request.end();
    return request;
  };
  return { connections, send };
}

test('a request can have been sent once its connection was established, also after that connection closes', async () => {
  const { connections, send } = await oneConnection();
  const first = send();
  const second = send();
  expect(connections.mayHaveSent(undefined)).toBe(false);
  expect(connections.mayHaveSent(first)).toBe(false);
  await until(() => connections.mayHaveSent(first));
  expect(connections.mayHaveSent(second)).toBe(false);
  first.socket?.destroy();
  await until(() => connections.mayHaveSent(second));
  expect(connections.mayHaveSent(first)).toBe(true);
});

test('a canceled request leaves the queue immediately, and an empty queue is removed', async () => {
  const { connections, send } = await oneConnection();
  const first = send();
  const [second, third] = [send(), send()];
  const queued = (): number => connections.agent.requests['pool']?.length ?? 0;
  expect(queued()).toBe(2);
  connections.cancel(second);
  expect(queued()).toBe(1);
  connections.cancel(third);
  expect(Object.keys(connections.agent.requests)).toEqual([]);
  await until(() => connections.mayHaveSent(first));
  connections.cancel(first);
  await until(() => connections.count === 0);
});
