import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';
import { Feed } from '../../src/page/feed.ts';
import { PageWatch } from '../../src/page/watch.ts';
import { onCleanup } from '../support/cleanup.ts';

/** A response that takes notes. It never sends anything. */
class Reader extends EventEmitter {
  writableLength = 0;
  readonly written: string[] = [];
  #wake: () => void = () => undefined;

  writeHead(): void {
    this.written.push('head');
  }

  write(text: string): boolean {
    this.written.push(text);
    this.#wake();
    return true;
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    this.emit('close');
  }

  async untilFrames(count: number): Promise<void> {
    while (this.written.length < count + 2) await new Promise<void>((wake) => (this.#wake = wake));
  }

  get response(): ServerResponse {
    return this as unknown as ServerResponse;
  }
}

function start(facts: () => object = () => ({}), hello: () => object = () => ({})) {
  const broken: unknown[] = [];
  const watch = new PageWatch({
    now: () => performance.now(),
    hashOf: (name) => name,
    broke: (error) => broken.push(error),
  });
  const requests = watch.requestsTo(0);
  const feed = new Feed({
    ...{ watch, facts, hello, now: () => performance.now() },
    isShowable: (text) => !text.includes('secret'),
  });
  onCleanup(() => feed.stop());
  return { feed, watch, requests, broken };
}

test('observers are attached from the first reader to the last', () => {
  const { feed, watch, requests } = start();
  const readers = [new Reader(), new Reader()] as const;
  expect([requests.current, watch.calls.current]).toEqual([undefined, undefined]);
  for (const reader of readers) expect(feed.subscribe(reader.response, {})).toBe(true);
  expect([requests.current, watch.calls.current]).not.toContain(undefined);
  readers[0].destroy();
  expect(requests.current).toBeDefined();
  readers[1].destroy();
  expect([requests.current, watch.calls.current]).toEqual([undefined, undefined]);
  expect([watch.collector, watch.traces]).toEqual([undefined, undefined]);
});

test('a reader with too many unread bytes is dropped, and others go on', async () => {
  const { feed } = start();
  const [slow, fast] = [new Reader(), new Reader()];
  for (const reader of [slow, fast]) feed.subscribe(reader.response, {});
  await fast.untilFrames(1);
  slow.writableLength = 200_000;
  const { length } = slow.written;
  const dropped = new Promise((resolve) => slow.once('close', resolve));
  await dropped;
  await fast.untilFrames(3);
  expect(slow.written).toHaveLength(length);
});

test('a frame that would show a secret, or is too large, is withheld', async () => {
  const texts = ['secret', 'x'.repeat(70_000)];
  const { feed } = start(() => ({ server: texts.shift() ?? 'good' }));
  const reader = new Reader();
  feed.subscribe(reader.response, {});
  await reader.untilFrames(3);
  const [, , first, second, third] = reader.written;
  expect([first, second]).toEqual(['data: {}\n\n', 'data: {}\n\n']);
  expect(third).toContain('"server":"good"');
});

test('an error of the page ends the page, and no call learns of it', () => {
  const { feed, watch, requests, broken } = start();
  feed.subscribe(new Reader().response, {});
  expect(() => requests.current?.sent({} as never)).not.toThrow();
  expect(broken).toHaveLength(1);
  expect([requests.current, watch.calls.current]).toEqual([undefined, undefined]);
  feed.stop();
  expect(watch.attach()).toBe(false);
});

test('an error in a frame, or in the first event, ends the page and not the process', async () => {
  let isBad = false;
  const { feed, watch, broken } = start(() => {
    if (isBad) throw new Error('no report');
    return {};
  });
  const reader = new Reader();
  feed.subscribe(reader.response, {});
  await reader.untilFrames(1);
  const closed = new Promise((resolve) => reader.once('close', resolve));
  isBad = true;
  await closed;
  expect(broken).toEqual([new Error('no report')]);
  expect(watch.collector).toBe(undefined);
  expect(feed.subscribe(new Reader().response, {})).toBe(false);

  const second = start(undefined, () => {
    throw new Error('no version');
  });
  const unlucky = new Reader();
  expect(second.feed.subscribe(unlucky.response, {})).toBe(false);
  expect(unlucky.written).toEqual([]);
  expect(second.broken).toEqual([new Error('no version')]);
});
