import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import type { ClientExchange } from '../../src/listen/client-exchange.ts';
import { Connections } from '../../src/listen/connections.ts';
import { onePool } from '../support/one-pool.ts';

/** A connection with requests. `over`: the finished exchanges in order. */
function connection() {
  const connections = new Connections(100, (credentials) => credentials, onePool());
  const socket = Object.assign(new EventEmitter(), {
    destroyed: false,
    errored: null,
    bytesRead: 0,
    destroy: () => Object.assign(socket, { destroyed: true }),
  }) as unknown as Socket;
  const over: string[] = [];
  const begin = (name: string): ClientExchange => {
    const request = { socket, rawHeaders: ['X-Name', name] } as unknown as IncomingMessage;
    const response = Object.assign(new EventEmitter(), { writableFinished: false });
    const exchange = connections.begin(request, response as unknown as ServerResponse);
    exchange.onOver({
      over: () => over.push(`${name} ${exchange.isAnswered ? 'answered' : 'left'}`),
    });
    return exchange;
  };
  return { connections, socket, over, begin };
}

test('an exchange with a completely written answer is over immediately, and only once', () => {
  const { connections, socket, over, begin } = connection();
  const [a, b] = [begin('a'), begin('b')];
  a.answered();
  expect([over, connections.isBusy(socket)]).toEqual([['a answered'], true]);
  b.answered();
  a.answered();
  expect([over, connections.isBusy(socket)]).toEqual([['a answered', 'b answered'], false]);
  expect([...connections.openExchanges()]).toEqual([]);
  socket.emit('close');
  expect(over).toHaveLength(2);
});

test('an exchange with a streamed answer is over when the response closes', () => {
  const { connections, socket, over, begin } = connection();
  const exchange = begin('a');
  exchange.follow();
  expect(connections.isBusy(socket)).toBe(true);
  Object.assign(exchange.response, { writableFinished: true });
  exchange.response.emit('close');
  expect([over, connections.isBusy(socket)]).toEqual([['a answered'], false]);
});

test('a closed connection ends all open exchanges, and each later one', () => {
  const { connections, socket, over, begin } = connection();
  begin('a');
  const b = begin('b');
  b.follow();
  Object.assign(socket, { destroyed: true });
  socket.emit('close');
  expect(over).toEqual(['a left', 'b left']);
  b.response.emit('close');
  expect(begin('c').isOver).toBe(true);
  expect(over).toEqual(['a left', 'b left', 'c left']);
  expect([...connections.busy()]).toEqual([]);
});

test('requests with the same head share it until the cache is emptied', () => {
  const { connections, begin } = connection();
  const { head } = begin('a');
  expect(begin('a').head).toBe(head);
  connections.forgetHeads();
  expect(begin('a').head).not.toBe(head);
});

test('the request-head cache has a limit, for long fields and for many fields', () => {
  const long = (i: number): string[] => ['X', String(i).padEnd(15_000, 'x')];
  const short = (i: number): string[] =>
    Array.from({ length: 2000 }, (_, n) => `${n % 2 ? i : 'a'}`);
  for (const fields of [long, short]) {
    const { connections, begin } = connection();
    const socket = new PassThrough() as unknown as Socket;
    const other = (i: number): void => {
      const request = { socket, rawHeaders: fields(i) } as unknown as IncomingMessage;
      connections.begin(request, new EventEmitter() as unknown as ServerResponse);
    };
    const { head } = begin('a');
    for (let i = 0; i < 10; i += 1) other(i);
    expect(begin('a').head).toBe(head);
    for (let i = 0; i < 300; i += 1) other(i);
    expect(begin('a').head).not.toBe(head);
  }
});

test('a waiting request uses the strings of the shared head', () => {
  const { begin } = connection();
  const { head } = begin('a');
  const exchange = begin('a');
  exchange.shareHead();
  expect(exchange.request.rawHeaders).toBe(head.headers);
  expect(exchange.request.headers).toEqual({});
});

describe('an idle connection of a client is closed after the keep-alive timeout', () => {
  function used() {
    const { connections, socket, begin } = connection();
    const isClosedAt = (nowMs: number): boolean => {
      connections.closeIdle(5000, nowMs);
      return socket.destroyed;
    };
    const comes = (bytes: number): void => void Object.assign(socket, { bytesRead: bytes });
    return { connections, socket, begin, isClosedAt, comes };
  }

  test('and not earlier, at each time of the checks', () => {
    const { begin, isClosedAt, comes } = used();
    comes(80);
    begin('a').answered();
    expect([isClosedAt(1000), isClosedAt(5999), isClosedAt(6000)]).toEqual([false, false, true]);
  });

  test('counted from the first check after its last exchange', () => {
    const { begin, isClosedAt, comes } = used();
    comes(80);
    begin('a').answered();
    expect(isClosedAt(1000)).toBe(false);
    comes(160);
    const exchange = begin('b');
    expect([isClosedAt(2000), isClosedAt(9000)]).toEqual([false, false]);
    exchange.answered();
    expect([isClosedAt(10_000), isClosedAt(14_999), isClosedAt(15_000)]).toEqual([
      ...[false, false, true],
    ]);
  });

  test('and each received byte restarts the timeout', () => {
    const { begin, isClosedAt, comes } = used();
    comes(80);
    begin('a').answered();
    expect(isClosedAt(1000)).toBe(false);
    comes(90);
    expect([isClosedAt(6000), isClosedAt(10_999), isClosedAt(11_000)]).toEqual([
      ...[false, false, true],
    ]);
  });

  test('unless it has not sent a request yet, because the timeout for heads applies', () => {
    const { connections, socket, isClosedAt } = used();
    connections.open(socket);
    expect([isClosedAt(0), isClosedAt(5000), isClosedAt(60_000)]).toEqual([false, false, false]);
  });
});
