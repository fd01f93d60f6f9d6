/** When a coded answer is written, what it holds in memory, and that it ends once. */
import { once } from 'node:events';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { createGunzip, gunzipSync } from 'node:zlib';
import { afterEach, expect, test } from '@jest/globals';
import { readAcceptEncoding } from '../../src/core/coding/offer.ts';
import { AnswerCoding } from '../../src/listen/answer-coding.ts';
import type { CodedOutput } from '../../src/listen/coded-output.ts';
import { CodedStream } from '../../src/listen/coded-stream.ts';
import { jsonOf } from '../support/coding-pool.ts';

const gzip = readAcceptEncoding('gzip');
const json = ['Content-Type', 'application/json'];
const MiB = 1024 * 1024;

/** A reader that takes bytes only while it is open. */
class Reader implements CodedOutput {
  isOpen = true;
  readonly written: Buffer[] = [];
  readonly heads: Array<readonly string[]> = [];
  ends = 0;
  #drained: Array<() => void> = [];
  #wake: () => void = () => undefined;

  begin(headers: readonly string[]): boolean {
    this.heads.push(headers);
    return true;
  }

  write(chunk: Buffer, drained: () => void): boolean {
    this.written.push(chunk);
    this.#wake();
    if (!this.isOpen) this.#drained.push(drained);
    return this.isOpen;
  }

  end(): void {
    this.ends += 1;
    this.#wake();
  }

  broke(error: unknown): void {
    throw error;
  }

  open(): void {
    this.isOpen = true;
    for (const drained of this.#drained.splice(0)) drained();
  }

  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  get text(): string {
    return gunzipSync(Buffer.concat(this.written)).toString();
  }
}

const streams: CodedStream[] = [];
afterEach(() => {
  for (const stream of streams.splice(0)) stream.stop();
});

function start({ maxBytes = MiB, maxBytesEach = 0, headers = json, canPause = true } = {}) {
  if (gzip === undefined) throw new Error('gzip is not read');
  const coding = new AnswerCoding({ maxBytes, maxBytesEach });
  const reader = new Reader();
  const stream = new CodedStream(headers, gzip, coding, reader, {
    maxBufferedBytes: maxBytesEach,
    canPause,
  });
  streams.push(stream);
  return { coding, reader, stream };
}

test('an event can be read while the answer goes on', async () => {
  const { reader, stream } = start();
  const gunzip = createGunzip();
  for (const event of ['data: first\n\n', 'data: second\n\n']) {
    const before = reader.written.length;
    stream.write(Buffer.from(event));
    await reader.until(() => reader.written.length > before + (before === 0 ? 1 : 0));
    for (const chunk of reader.written.slice(before)) gunzip.write(chunk);
    const [text] = (await once(gunzip, 'data')) as [Buffer];
    expect(text.toString()).toBe(event);
  }
  gunzip.destroy();
});

test('the head is sent although no byte of the body has come', async () => {
  const { reader } = start();
  await reader.until(() => reader.written.length > 0);
  expect(reader.heads).toEqual([[...json, 'Content-Encoding', 'gzip', 'Vary', 'Accept-Encoding']]);
});

test('an answer takes an encoder with the first byte of its body, and not with its head', async () => {
  const { coding, reader, stream } = start();
  await reader.until(() => reader.written.length > 0);
  expect(coding.usedBytes).toBe(0);
  stream.write(Buffer.from('data: event\n\n'));
  await reader.until(() => Buffer.concat(reader.written).length > 12);
  expect(coding.usedBytes).toBeGreaterThan(0);
  stream.end();
  await reader.until(() => reader.ends > 0);
  expect([reader.text, coding.usedBytes]).toEqual(['data: event\n\n', 0]);
});

test('a short body long after its head needs no encoder', async () => {
  const { coding, reader, stream } = start({ maxBytes: 0 });
  await reader.until(() => reader.written.length > 0);
  stream.write(Buffer.from('{"a":1}'));
  stream.end();
  expect([reader.text, coding.usedBytes, reader.ends]).toEqual(['{"a":1}', 0, 1]);
});

test('gzip that the head promised comes without room for an encoder too, and in time', async () => {
  const { coding, reader, stream } = start({ maxBytes: 0 });
  await reader.until(() => reader.written.length > 0);
  const [event, long] = ['data: event\n\n', jsonOf(200_000)];
  const before = reader.written.length;
  stream.write(Buffer.from(event));
  await reader.until(() => reader.written.length > before);
  const gunzip = createGunzip();
  for (const chunk of reader.written) gunzip.write(chunk);
  const [text] = (await once(gunzip, 'data')) as [Buffer];
  gunzip.destroy();
  expect(text.toString()).toBe(event);
  for (let at = 0; at < long.length; at += 50_000) {
    expect(stream.write(Buffer.from(long.slice(at, at + 50_000)))).toBe(true);
  }
  stream.end();
  expect([reader.ends, coding.usedBytes]).toEqual([1, 0]);
  expect(reader.text).toBe(event + long);
  expect(Buffer.concat(reader.written).length).toBeLessThan(long.length / 4);
});

test('pieces that come slowly wait for a slow reader', async () => {
  const { reader, stream } = start({ maxBytes: 0 });
  await reader.until(() => reader.written.length > 0);
  reader.isOpen = false;
  stream.write(Buffer.from('0,'));
  await reader.until(() => reader.written.length > 1);
  let drains = 0;
  stream.onDrained = () => (drains += 1);
  for (let i = 1; i < 5; i += 1) {
    expect(stream.write(Buffer.from(`${i},`))).toBe(false);
    await delay(10);
  }
  expect([reader.written.length, drains]).toEqual([2, 0]);
  reader.open();
  expect([reader.written.length, drains]).toEqual([3, 1]);
  expect(stream.write(Buffer.from('5'))).toBe(true);
  stream.end();
  expect(reader.text).toBe('0,1,2,3,4,5');
});

test('an empty body after its head has the coding of the head', async () => {
  const { coding, reader, stream } = start({ maxBytes: 0 });
  await reader.until(() => reader.written.length > 0);
  stream.end();
  expect([reader.text, reader.ends, coding.usedBytes]).toEqual(['', 1, 0]);
});

test('an answer that cannot pause waits for its reader only, with and without room for encoders', () => {
  const piece = Buffer.from(jsonOf(60_000));
  for (const maxBytes of [0, 64 * MiB]) {
    const { coding, reader, stream } = start({ maxBytes, canPause: false });
    for (let i = 0; i < 200; i += 1) expect(stream.write(piece)).toBe(true);
    stream.end();
    expect([reader.ends, coding.usedBytes]).toEqual([1, 0]);
    expect(reader.text).toBe(piece.toString().repeat(200));
  }
});

test('a body without a length that turns out to be short keeps its bytes', () => {
  const { coding, reader, stream } = start();
  stream.write(Buffer.from('{"a":1}'));
  stream.end();
  expect(reader.heads).toEqual([json]);
  expect(Buffer.concat(reader.written).toString()).toBe('{"a":1}');
  expect([reader.ends, coding.usedBytes]).toEqual([1, 0]);
});

test('pieces of any size become one body', async () => {
  const body = Buffer.from(jsonOf(300_000));
  for (const size of [977, 65_537, 300_000]) {
    const { coding, reader, stream } = start();
    for (let at = 0; at < body.length; at += size) {
      if (stream.write(body.subarray(at, at + size))) continue;
      await new Promise<void>((resolve) => (stream.onDrained = resolve));
    }
    stream.end();
    await reader.until(() => reader.ends > 0);
    expect(reader.text).toBe(body.toString());
    expect([reader.ends, coding.usedBytes]).toEqual([1, 0]);
  }
});

test('a slow reader stops the answer: memory stays flat', async () => {
  const { coding, reader, stream } = start({ maxBytesEach: 200_000 });
  reader.isOpen = false;
  const piece = Buffer.from(Array.from({ length: 60_000 }, (_, i) => (i * i * 7919) % 251));
  let sent = 0;
  const send = (): void => {
    while (stream.write(piece)) {
      sent += piece.length;
      if (sent > 100 * MiB) throw new Error('the answer is not stopped');
    }
    sent += piece.length;
  };
  // The encoder may drain before the reader opens, as far as its buffers hold the answer.
  const drained = new Promise<void>((resolve) => (stream.onDrained = resolve));
  send();
  for (let i = 0; i < 20; i += 1) await setImmediate();
  expect(sent).toBeLessThan(MiB);
  expect(coding.usedBytes).toBeLessThan(400_000);
  reader.open();
  await drained;
  stream.end();
  await reader.until(() => reader.ends > 0);
  expect(gunzipSync(Buffer.concat(reader.written))).toHaveLength(sent);
  expect(coding.usedBytes).toBe(0);
});

test('an answer whose client leaves frees its encoder', () => {
  const { coding, reader, stream } = start();
  stream.write(Buffer.alloc(70_000));
  expect(coding.usedBytes).toBeGreaterThan(0);
  stream.stop();
  stream.write(Buffer.alloc(70_000));
  stream.end();
  expect([coding.usedBytes, reader.ends]).toEqual([0, 0]);
});

test('without room for an encoder, answers go out as they are', () => {
  const { coding, reader, stream } = start({ maxBytes: 1000 });
  const body = Buffer.from(jsonOf(100_000));
  stream.write(body);
  stream.end();
  expect(reader.heads).toEqual([[...json, 'Vary', 'Accept-Encoding']]);
  expect(Buffer.concat(reader.written).equals(body)).toBe(true);
  expect([reader.ends, coding.usedBytes]).toEqual([1, 0]);
});
