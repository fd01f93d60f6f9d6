import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import type { ClientExchange } from '../../src/listen/client-exchange.ts';
import { Connections } from '../../src/listen/connections.ts';

/** Requests on one connection, and which of their exchanges are over. */
function connection() {
  const connections = new Connections(100);
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

test('an exchange whose answer was taken is over at once, and nothing of it is under way', () => {
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

test('an exchange whose answer takes its time is over when that is', () => {
  const { connections, socket, over, begin } = connection();
  const exchange = begin('a');
  exchange.follow();
  expect(connections.isBusy(socket)).toBe(true);
  Object.assign(exchange.response, { writableFinished: true });
  exchange.response.emit('close');
  expect([over, connections.isBusy(socket)]).toEqual([['a answered'], false]);
});

test('what is under way is over when its connection is gone, followed or not, and so is what begins then', () => {
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

test('requests that say the same of their client share its head, until it is forgotten', () => {
  const { connections, begin } = connection();
  const { head } = begin('a');
  expect(begin('a').head).toBe(head);
  connections.forgetHeads();
  expect(begin('a').head).not.toBe(head);
});

test('what many clients say of themselves is kept as far as it is little, in fields as in text', () => {
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

test('who waits keeps no strings of his own where others sent the same', () => {
  const { begin } = connection();
  const { head } = begin('a');
  const exchange = begin('a');
  exchange.shareHead();
  expect(exchange.request.rawHeaders).toBe(head.headers);
  expect(exchange.request.headers).toEqual({});
});

describe('a connection of a client is closed when nothing has come on it for the time of keep-alive', () => {
  function used() {
    const { connections, socket, begin } = connection();
    const isClosedAt = (nowMs: number): boolean => {
      connections.closeIdle(5000, nowMs);
      return socket.destroyed;
    };
    const comes = (bytes: number): void => void Object.assign(socket, { bytesRead: bytes });
    return { connections, socket, begin, isClosedAt, comes };
  }

  test('and not before, however it falls between two looks', () => {
    const { begin, isClosedAt, comes } = used();
    comes(80);
    begin('a').answered();
    expect([isClosedAt(1000), isClosedAt(5999), isClosedAt(6000)]).toEqual([false, false, true]);
  });

  test('counted anew for each call, from the look behind the last that found it under way', () => {
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

  test('though every byte of a next request begins the time again', () => {
    const { begin, isClosedAt, comes } = used();
    comes(80);
    begin('a').answered();
    expect(isClosedAt(1000)).toBe(false);
    comes(90);
    expect([isClosedAt(6000), isClosedAt(10_999), isClosedAt(11_000)]).toEqual([
      ...[false, false, true],
    ]);
  });

  test('unless no request has come yet: that time is of a head', () => {
    const { connections, socket, isClosedAt } = used();
    connections.open(socket);
    expect([isClosedAt(0), isClosedAt(5000), isClosedAt(60_000)]).toEqual([false, false, false]);
  });
});
