import { expect, test } from '@jest/globals';
import { type ReadingConnection, UnfinishedHeads } from '../../src/listen/unfinished-heads.ts';

const KiB = 1024;
const maxBytes = 128 * KiB;
const headersTimeoutMs = 10_000;

interface Client {
  readonly name: string;
  bytesRead: number;
  readonly connection: {
    hasNewRequest: boolean;
    hasReceivedRequest: boolean;
    announcedBytes: number;
    upload: { request: { complete: boolean } } | undefined;
  };
}

const client = (name: string): Client => ({
  name,
  bytesRead: 0,
  connection: {
    hasNewRequest: false,
    hasReceivedRequest: true,
    announcedBytes: 0,
    upload: undefined,
  },
});

const crowd = (count: number): Client[] => Array.from({ length: count }, (_, i) => client(`${i}`));

/** Returns a function that checks all clients, and names the connections to close. */
function checker(clients: readonly Client[]): (nowMs: number) => readonly string[] {
  const heads = new UnfinishedHeads<Client>(maxBytes, headersTimeoutMs);
  return (nowMs) => {
    const connections = clients.map((one): readonly [Client, ReadingConnection] => [
      one,
      one.connection,
    ]);
    return heads.findExcess(clients.length, connections, nowMs).map(({ name }) => name);
  };
}

test('over the limit, the connections with the longest unfinished heads close', () => {
  const clients = crowd(10);
  const check = checker(clients);
  expect(check(0)).toEqual([]);
  clients.forEach((one, i) => (one.bytesRead += (i + 10) * KiB));
  // Together 145 KiB. Without the longest head it is 126 KiB.
  expect(check(250)).toEqual(['9']);
});

test('connections with heads of at most 16 KiB stay open', () => {
  const clients = crowd(20);
  const check = checker(clients);
  check(0);
  for (const one of clients) one.bytesRead += 16 * KiB;
  expect(check(250)).toEqual([]);
});

test('complete requests and bodies do not count', () => {
  const clients = crowd(10);
  const check = checker(clients);
  for (let nowMs = 0; nowMs < 5000; nowMs += 250) {
    for (const one of clients) {
      one.bytesRead += 10 * KiB;
      one.connection.hasNewRequest = true;
    }
    clients[0]!.bytesRead += 1000 * KiB;
    clients[0]!.connection.upload = { request: { complete: false } };
    expect(check(nowMs)).toEqual([]);
  }
});

test('half a head that comes with a complete request counts', () => {
  const clients = crowd(10);
  const check = checker(clients);
  check(0);
  for (const one of clients) {
    one.bytesRead += 60 * KiB;
    one.connection.hasNewRequest = true;
  }
  expect(check(250)).toHaveLength(8);
});

test('bytes count until the timeout of heads is over, because Node closes the connection then', () => {
  const clients = crowd(3);
  const check = checker(clients);
  check(0);
  clients[0]!.bytesRead += 60 * KiB;
  clients[1]!.bytesRead += 60 * KiB;
  check(250);
  check(250 + headersTimeoutMs + 1);
  clients[2]!.bytesRead += 60 * KiB;
  expect(check(10_600)).toEqual([]);
});

test('while all open connections together fit the limit, nothing is counted', () => {
  const clients = crowd(2);
  const check = checker(clients);
  check(0);
  for (const one of clients) one.bytesRead += 64 * KiB;
  expect(check(250)).toEqual([]);
});

test('connections that are new since the last check count with all their bytes', () => {
  const clients = crowd(3);
  const check = checker(clients);
  check(0);
  const late = ['a', 'b', 'c'].map((name) => Object.assign(client(name), { bytesRead: 60 * KiB }));
  clients.push(...late);
  expect(check(250)).toEqual(['a']);
});

test('at the first check, only connections without a request count', () => {
  const clients = crowd(3);
  for (const one of clients) one.bytesRead = 1000 * KiB;
  expect(checker(clients)(0)).toEqual([]);
  for (const one of clients) {
    one.bytesRead = 60 * KiB;
    one.connection.hasReceivedRequest = false;
  }
  expect(checker(clients)(0)).toEqual(['0']);
});

test.each([
  ['with a length', 100 * KiB],
  ['in chunks', NaN],
])('a body %s does not count when it is complete', (_, announced) => {
  const clients = crowd(10);
  const check = checker(clients);
  check(0);
  for (const { connection } of clients.slice(0, 5)) {
    connection.announcedBytes += announced;
    connection.hasNewRequest = true;
    connection.upload = { request: { complete: false } };
  }
  check(250);
  for (const one of clients) {
    one.bytesRead += 100 * KiB;
    if (one.connection.upload) one.connection.upload.request.complete = true;
    else {
      one.connection.announcedBytes += announced;
      one.connection.hasNewRequest = true;
    }
  }
  expect(check(500)).toEqual([]);
  for (const one of clients.slice(0, 3)) one.bytesRead += 60 * KiB;
  expect(check(750)).toHaveLength(1);
});
