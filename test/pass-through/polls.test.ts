import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { RawClient, Rig, until } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;

/** A pool that leaves its answers open. */
async function waitingPool(): Promise<{ port: number; owed: ServerResponse[] }> {
  const owed: ServerResponse[] = [];
  const port = await rig.httpPool((_, response) => owed.push(response));
  return { port, owed };
}

test('300 polls can be open while other calls use all connections', async () => {
  const pool = await waitingPool();
  const front = await rig.front(pool.port, { maxConnections: 2 });
  const ordinary = ['/a', '/b', '/c'].map((target) => new RawClient(front.port).send(get(target)));
  await until(() => pool.owed.length === 2);
  const polls = Array.from({ length: 300 }, (_, i) =>
    new RawClient(front.port).send(get(`/events?ack=${i}`)),
  );
  await until(() => pool.owed.length === 302);
  expect(front.passThrough.openPolls()).toBe(300);
  expect(front.passThrough.openConnections()).toBe(302);
  for (const response of pool.owed) response.end(response.req.url);
  for (const [i, poll] of polls.entries()) await poll.has(`\r\n\r\n/events?ack=${i}`);
  await until(() => pool.owed.length === 303);
  pool.owed[302]?.end('c');
  for (const client of ordinary) await client.has('200 OK');
  await front.outcomes(303);
  expect(front.passThrough.openPolls()).toBe(0);
});

test('a poll has no idle timeout, and its connection serves the next poll', async () => {
  const pool = await waitingPool();
  const front = await rig.front(pool.port, {
    idleTimeoutMs: 100,
    idleSocketTimeoutMs: 200,
    connectTimeoutMs: 100,
  });
  const poll = new RawClient(front.port).send(get('/events?ack=1'));
  const call = new RawClient(front.port).send(get('/a'));
  await call.has('http_response_timeout');
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(front.passThrough.openPolls()).toBe(1);
  const first = pool.owed.find((response) => response.req.url?.startsWith('/events'));
  first?.end('late');
  expect(await poll.has('late')).toContain('200 OK');
  await front.outcomes(2);
  poll.send(get('/events?ack=2'));
  await until(() => pool.owed.length === 3);
  expect(pool.owed[2]?.req.socket).toBe(first?.req.socket);
});

test('endPolls() ends a fraction of the polls without an answer, the oldest first', async () => {
  const pool = await waitingPool();
  const front = await rig.front(pool.port);
  const polls: RawClient[] = [];
  for (let i = 0; i < 9; i++) {
    polls.push(new RawClient(front.port).send(get(`/events?ack=${i}`)));
    await until(() => pool.owed.length === i + 1);
  }
  const ordinary = new RawClient(front.port).send(get('/a'));
  await until(() => pool.owed.length === 10);
  pool.owed[0]?.write('streaming');
  await polls[0]?.has('streaming');

  const fault = { phase: 'unknown', name: 'connection_terminated' } as const;
  const ended = (): string =>
    front.told
      .filter((entry) => entry.outcomes.length > 0)
      .map((entry) => entry.url.slice(-1))
      .join('');
  front.passThrough.endPolls(0, fault);
  expect(ended()).toBe('');
  front.passThrough.endPolls(0.25, fault);
  expect(ended()).toBe('12');
  front.passThrough.endPolls(0.5, fault);
  expect(ended()).toBe('12345');
  front.passThrough.endPolls(1, fault);
  expect(ended()).toBe('12345678');
  for (const poll of polls.slice(1)) {
    expect(await poll.has('}')).toMatch(/^HTTP\/1\.1 504 [\s\S]*connection_terminated/);
  }
  expect(front.told[5]?.faults).toEqual([fault]);
  await until(() => pool.owed.filter((response) => response.destroyed).length === 8);
  pool.owed[0]?.end(';done');
  await polls[0]?.has(';done');
  pool.owed[9]?.end('fine');
  await ordinary.has('fine');
  expect(front.passThrough.openPolls()).toBe(0);
});
