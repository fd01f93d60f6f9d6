import { PassThrough } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { expect, test } from '@jest/globals';
import { BodyReader } from '../../src/listen/body-reader.ts';

const request = (): PassThrough & IncomingMessage => new PassThrough() as never;
const body = undefined;

const closed = (stream: PassThrough): Promise<void> =>
  new Promise((resolve) => stream.once('close', resolve));

/** Writes a piece, and resolves when the reader has received it. */
const written = (stream: PassThrough, piece: string): Promise<void> =>
  new Promise((resolve) => stream.write(piece, () => setImmediate(resolve)));

const never = (): void => {
  throw new Error('the limit was reached unexpectedly');
};

test('a body is delivered when it is complete, in one piece or in several', async () => {
  const told: string[] = [];
  for (const pieces of [['hello'], ['he', 'l', 'lo']]) {
    const client = request();
    new BodyReader(5).read(
      { request: client, body },
      5,
      'a',
      (bytes) => void told.push(bytes.toString()),
      never,
    );
    for (const piece of pieces) client.write(piece);
    expect(told).not.toContain('hello');
    client.end();
    await closed(client);
    expect(told.splice(0)).toEqual(['hello']);
  }
});

/** A reader with a limit, and the results of its reads. */
function reader(maxBytes: number) {
  const bodies = new BodyReader(maxBytes);
  const told: string[] = [];
  const start = (address: string, lengthBytes: number): PassThrough => {
    const client = request();
    const done = (bytes: Buffer): void => void told.push(bytes.toString());
    const refuse = (): void => void told.push(`no room for ${address}`);
    bodies.read({ request: client, body }, lengthBytes, address, done, refuse);
    return client;
  };
  return { told, start };
}

test('announced bytes that do not arrive do not count', async () => {
  const { told, start } = reader(10);
  for (let i = 0; i < 1000; i += 1) start('attacker', 10);
  const client = start('b', 8);
  client.end('eight...');
  await closed(client);
  expect(told).toEqual(['eight...']);
});

test('received bytes count together, until their body is complete or its client disconnects', async () => {
  const { told, start } = reader(10);
  const [a, b, c] = [start('a', 6), start('b', 6), start('c', 6)];
  await written(a, 'aaaaa');
  await written(b, 'bbbbb');
  await written(c, 'c');
  expect(told).toEqual(['no room for c']);
  b.destroy();
  await closed(b);
  a.end('a');
  await closed(a);
  expect(told).toEqual(['no room for c', 'aaaaaa']);
  const whole = start('d', 10);
  whole.end('dddddddddd');
  await closed(whole);
  expect(told.at(-1)).toBe('dddddddddd');
});

test('one address can use a quarter of the limit, and always one body', async () => {
  const { told, start } = reader(40);
  const [first, second, other] = [start('a', 8), start('a', 8), start('b', 8)];
  await written(first, 'aaaaaaa');
  await written(second, 'aaaa');
  expect(told).toEqual(['no room for a']);
  other.end('bbbbbbbb');
  await closed(other);
  first.end('a');
  await closed(first);
  expect(told.slice(1)).toEqual(['bbbbbbbb', 'aaaaaaaa']);
});
