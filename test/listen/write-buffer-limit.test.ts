import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';
import { WriteBufferLimiter } from '../../src/listen/write-buffer-limit.ts';

/** An answer that waits behind another one: Node 20 tells it nothing of the connection's end. */
function waiting(socket = new EventEmitter()): { response: ServerResponse; socket: EventEmitter } {
  const response = Object.assign(new EventEmitter(), { req: { socket } });
  return { response: response as unknown as ServerResponse, socket };
}

test('what lay ready for a client that hung up is forgotten with its connection', () => {
  const buffers = new WriteBufferLimiter({ maxBytesEach: 100, maxBytes: 100 });
  const { response, socket } = waiting();
  expect(buffers.reserve(response, 60, 'ann')).toBe(true);
  expect(buffers.reserve(waiting().response, 60, 'ann')).toBe(false);
  socket.emit('close');
  expect(buffers.reserve(waiting().response, 60, 'ann')).toBe(true);
  expect([response.listenerCount('close'), response.listenerCount('drain')]).toEqual([0, 0]);
});

test('one user leaves room for the unread answers of others', () => {
  const buffers = new WriteBufferLimiter({ maxBytesEach: 100, maxBytes: 1000 });
  const kept = Array.from({ length: 20 }, () => buffers.reserve(waiting().response, 60, 'ann'));
  expect(kept.filter(Boolean)).toHaveLength(4);
  expect(buffers.reserve(waiting().response, 100, 'bob')).toBe(true);
});

test('answers that wait on one connection share a listener', () => {
  const buffers = new WriteBufferLimiter({ maxBytesEach: 100, maxBytes: 1000 });
  const socket = new EventEmitter();
  const responses = Array.from({ length: 32 }, () => waiting(socket).response);
  for (const response of responses) expect(buffers.reserve(response, 2, 'ann')).toBe(true);
  expect(socket.listenerCount('close')).toBe(1);
  for (const response of responses.slice(1)) response.emit('drain');
  for (const response of responses.slice(1)) expect(buffers.reserve(response, 2, 'ann')).toBe(true);
  expect(socket.listenerCount('close')).toBe(1);
  socket.emit('close');
  expect(socket.listenerCount('close')).toBe(0);
  expect(buffers.reserve(waiting().response, 100, 'ann')).toBe(true);
});
