import { PassThrough } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { expect, test } from '@jest/globals';
import { Bodies } from '../../src/listen/bodies.ts';

const request = (): PassThrough & IncomingMessage =>
  new PassThrough() as unknown as PassThrough & IncomingMessage;

const closed = (stream: PassThrough): Promise<void> =>
  new Promise((resolve) => stream.once('close', resolve));

test('a body is told when it is whole, in however many pieces it came', async () => {
  const told: string[] = [];
  for (const pieces of [['hello'], ['he', 'l', 'lo']]) {
    const client = request();
    const done = (body: Buffer): void => void told.push(body.toString());
    expect(new Bodies(5).read(client, 5, done)).toBe(true);
    for (const piece of pieces) client.write(piece);
    expect(told).not.toContain('hello');
    client.end();
    await closed(client);
    expect(told.splice(0)).toEqual(['hello']);
  }
});

test('a call without a body waits for none, and takes no room', () => {
  const told: Buffer[] = [];
  expect(new Bodies(0).read(request(), 0, (body) => told.push(body))).toBe(true);
  expect(told).toEqual([Buffer.alloc(0)]);
});

test('bodies that are being read have room together, and give it back when they are read or their client leaves', async () => {
  const bodies = new Bodies(10);
  const told: string[] = [];
  const start = (lengthBytes: number) => {
    const client = request();
    const isRead = bodies.read(client, lengthBytes, (body) => told.push(body.toString()));
    return { client, isRead };
  };
  const [read, left] = [start(6), start(4)];
  expect([read.isRead, left.isRead, start(1).isRead]).toEqual([true, true, false]);
  read.client.end('sixsix');
  await closed(read.client);
  expect(told).toEqual(['sixsix']);
  expect([start(7).isRead, start(6).isRead, start(1).isRead]).toEqual([false, true, false]);
  left.client.destroy();
  await closed(left.client);
  expect([start(5).isRead, start(4).isRead]).toEqual([false, true]);
  expect(told).toEqual(['sixsix']);
});
