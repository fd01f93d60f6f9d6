import { expect, test } from '@jest/globals';
import type { ClientExchange } from '../../src/listen/client-exchange.ts';
import { StoppedBodies, type UploadingConnection } from '../../src/listen/stopped-bodies.ts';

const timeoutMs = 60_000;
const everyMs = 1000;
const KiB = 1024;

interface Client {
  readonly socket: { bytesRead: number };
  readonly connection: { upload: ClientExchange | undefined; isPaused: boolean };
  readonly request: { complete: boolean; readableLength: number };
  readonly response: { headersSent: boolean; writableEnded: boolean };
  readonly body: { isBuffered: boolean; mayWait: boolean };
}

/** A client that has sent the head of a request with a body of this length. */
function client(lengthBytes = 200_000_000): Client {
  const request = { complete: false, readableLength: 0 };
  const response = { headersSent: false, writableEnded: false };
  const body = { isBuffered: false, mayWait: false };
  const head = { facts: { contentLength: String(lengthBytes) } };
  const upload = { request, response, body, head } as unknown as ClientExchange;
  return {
    socket: { bytesRead: 1000 },
    connection: { upload, isPaused: false },
    request,
    response,
    body,
  };
}

/**
 * Checks the client every second until its body has stopped, and returns that time in ms.
 *
 * @param act called before each check
 */
function stoppedAtMs(
  { socket, connection }: Client,
  act: (nowMs: number) => void = () => undefined,
  untilMs = 3_600_000,
): number | 'never' {
  const bodies = new StoppedBodies(timeoutMs);
  const connections: ReadonlyArray<readonly [Client['socket'], UploadingConnection]> = [
    [socket, connection],
  ];
  for (let nowMs = 0; nowMs <= untilMs; nowMs += everyMs) {
    act(nowMs);
    if (bodies.find(connections, nowMs).length > 0) return nowMs;
  }
  return 'never';
}

test('a body stops when no byte of it comes for the timeout', () => {
  expect(stoppedAtMs(client())).toBe(timeoutMs);
});

test('an upload of an hour goes on while its bytes come, and stops a timeout after the last one', () => {
  const slow = client();
  const send = (nowMs: number): void => {
    if (nowMs <= 3_000_000) slow.socket.bytesRead += 2 * KiB;
  };
  expect(stoppedAtMs(slow, send)).toBe(3_000_000 + timeoutMs);
});

test('an upload beyond its first 64 KiB may send a byte a minute', () => {
  const slow = client();
  slow.socket.bytesRead = 0;
  const send = (nowMs: number): void => {
    if (nowMs === everyMs) slow.socket.bytesRead += 64 * KiB;
    if (nowMs % 59_000 === 0) slow.socket.bytesRead += 1;
  };
  expect(stoppedAtMs(slow, send)).toBe('never');
});

test.each([
  ['a short body', 63 * KiB],
  ['the first 64 KiB of a long body', 200_000_000],
])('%s must come within the timeout, so a byte now and then does not hold memory', (_, bytes) => {
  const slow = client(bytes);
  const drip = (): void => void (slow.socket.bytesRead += 10);
  expect(stoppedAtMs(slow, drip)).toBe(timeoutMs);
});

test('a body that the proxy buffers whole has the timeout for each 64 KiB', () => {
  const slow = client(150 * KiB);
  slow.body.isBuffered = true;
  const send = (): void => void (slow.socket.bytesRead += KiB / 2);
  expect(stoppedAtMs(slow, send)).toBe(3 * timeoutMs);
});

test.each<[string, (slow: Client, isBlocked: boolean) => void]>([
  ['bytes of the body are unread', (slow, is) => (slow.request.readableLength = is ? 1 : 0)],
  ['the connection is paused', (slow, is) => (slow.connection.isPaused = is)],
  ['the client may wait for a 100 Continue', (slow, is) => (slow.body.mayWait = is)],
  ['an answer is under way', (slow, is) => (slow.response.headersSent = is)],
])('the timeout does not run while %s', (_, block) => {
  const slow = client();
  const until = 1_000_000;
  expect(stoppedAtMs(slow, (nowMs) => block(slow, nowMs <= until))).toBe(until + timeoutMs);
});

test('the rest of a refused body that does not come counts as stopped', () => {
  const refused = client();
  Object.assign(refused.response, { headersSent: true, writableEnded: true });
  expect(stoppedAtMs(refused)).toBe(timeoutMs);
});

test('a complete body never stops, and its connection forgets it', () => {
  const quick = client();
  quick.request.complete = true;
  expect(stoppedAtMs(quick)).toBe('never');
  expect(quick.connection.upload).toBeUndefined();
});

test('a body that has stopped is found once', () => {
  const { socket, connection } = client();
  const bodies = new StoppedBodies(timeoutMs);
  const find = (nowMs: number): number => bodies.find([[socket, connection]], nowMs).length;
  expect([0, timeoutMs, 2 * timeoutMs].map(find)).toEqual([0, 1, 0]);
});
