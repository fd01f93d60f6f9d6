/** The bytes that held answers and searched bodies take, and the codings of held answers. */
import { EventEmitter } from 'node:events';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { beforeEach, expect, test } from '@jest/globals';
import type { HoldOutcome } from '../../src/core/events/event-holds.ts';
import type { ClientExchange } from '../../src/listen/client-exchange.ts';
import { HeldEvents } from '../../src/listen/held-events.ts';
import type { AnswerReader } from '../../src/pass-through/answer-gate.ts';

const application = '/ucwa/oauth/v1/applications/1';
const invitations = `${application}/communication/messagingInvitations`;
const maxBytes = 100;

let held: HeldEvents;
let outcomes: HoldOutcome[];
beforeEach(() => {
  outcomes = [];
  held = new HeldEvents({
    clock: { now: () => 0, setTimer: () => () => undefined },
    maxBytes,
    observer: {
      eventsHeld: (outcome) => outcomes.push(outcome),
      internalError: (error) => {
        throw error;
      },
    },
  });
});

/** An exchange of one user, on a connection of its own. */
class Exchange {
  readonly head = { user: 'ann' };
  readonly request: EventEmitter & { readonly method: string; readonly socket: object };
  operation: ClientExchange['operation'];
  readonly #releases: Array<() => void> = [];

  constructor(method: string) {
    this.request = Object.assign(new EventEmitter(), { method, socket: {} });
  }

  addRelease(release: () => void): void {
    this.#releases.push(release);
  }

  end(): void {
    for (const release of this.#releases.splice(0)) release();
  }

  send(body: string): void {
    this.request.emit('data', Buffer.from(body));
  }
}

const asExchange = (exchange: Exchange): ClientExchange => exchange as unknown as ClientExchange;

/** Begins a POST that passes through and starts an operation. */
function post(): Exchange {
  const exchange = new Exchange('POST');
  held.beginPassing(asExchange(exchange), invitations);
  return exchange;
}

/** The head of an answer to a poll comes, with this content coding. */
function poll(release: () => void = () => undefined, coding = 'identity'): AnswerReader {
  const gate = held.gate(asExchange(new Exchange('GET')), `${application}/events?ack=1`);
  const reader = gate?.arrived(['Content-Encoding', coding], release);
  if (reader === undefined) throw new Error('the answer does not wait');
  return reader;
}

test('bytes of a passed-through body count until the body is complete', () => {
  const exchange = post();
  exchange.send('x'.repeat(maxBytes));
  expect(poll().take(1)).toBe(false);
  exchange.request.emit('end');
  // The refused byte counts until its poll is over.
  expect(poll().take(maxBytes - 1)).toBe(true);
  expect(poll().take(1)).toBe(false);
});

test('bytes of a passed-through body count until the exchange is over, and not after that', () => {
  post();
  const exchange = post();
  exchange.send('x'.repeat(maxBytes));
  exchange.end();
  exchange.send('x');
  exchange.request.emit('end');
  expect(poll().take(maxBytes)).toBe(true);
});

test('bytes of a passed-through body over the limit are neither kept nor counted', () => {
  const exchange = post();
  exchange.send('x'.repeat(maxBytes - 1));
  exchange.send('xx');
  exchange.send('x');
  expect(poll().take(1)).toBe(true);
});

const news = JSON.stringify({
  sender: [
    {
      events: [
        {
          type: 'started',
          link: { href: `${invitations}/1` },
          _embedded: { messagingInvitation: { operationId: 'o2' } },
        },
      ],
    },
  ],
});

test.each([
  ['a whole body', `{"operationId":"o1"}`, [], true],
  ['a body over the limit', `{"operationId":"o1"}${' '.repeat(maxBytes)}`, ['ordered'], false],
])('the ids in %s decide whether an answer waits', async (_, body, expected, isSent) => {
  const exchange = post();
  for (const part of [body.slice(0, 20), body.slice(20)]) if (part !== '') exchange.send(part);
  exchange.request.emit('end');
  let isReleased = false;
  poll(() => (isReleased = true)).end([Buffer.from(news)]);
  await Promise.resolve();
  expect(isReleased).toBe(isSent);
  exchange.operation?.answered(201, ['Location', `${invitations}/1`]);
  exchange.end();
  expect(outcomes).toEqual(expected);
});

test.each([
  ['no coding', 'identity', (text: string) => Buffer.from(text)],
  ['gzip', ' GZIP ', gzipSync],
  ['deflate', 'deflate', deflateSync],
  ['deflate without the zlib format', 'deflate', deflateRawSync],
  ['Brotli', 'br', brotliCompressSync],
])('an answer is read in %s', (_, coding, encode) => {
  const exchange = post();
  exchange.send('{"operationId":"o2"}');
  exchange.request.emit('end');
  poll(undefined, coding).end([encode(news)]);
  exchange.end();
  expect(outcomes).toEqual(['ordered']);
});

test.each([
  ['an unknown coding', 'zstd', Buffer.from(news)],
  ['a malformed body', 'gzip', Buffer.from(news)],
  ['a text of more than 1 MiB', 'gzip', gzipSync(news + ' '.repeat(1_048_576))],
])('an answer in %s does not wait', async (_, coding, body) => {
  post();
  let isReleased = false;
  poll(() => (isReleased = true), coding).end([body]);
  await Promise.resolve();
  expect(isReleased).toBe(true);
});
