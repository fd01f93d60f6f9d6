/** How long the answer to a poll waits while it is read, and that it always goes on. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { readAcceptEncoding } from '../../src/core/coding/offer.ts';
import { DueGets } from '../../src/core/priming/due-gets.ts';
import { systemClock } from '../../src/engine/clock.ts';
import type { ClientExchange } from '../../src/listen/client-exchange.ts';
import { CodedStream } from '../../src/listen/coded-stream.ts';
import { EventPriming } from '../../src/listen/event-priming.ts';
import type { AnswerGate } from '../../src/pass-through/answer-gate.ts';
import { relayAnswer } from '../../src/pass-through/answer-relay.ts';
import { BufferedAnswer } from '../../src/pass-through/buffered-answer.ts';

const fields = ['Content-Type', 'application/json'];
const pieceBytes = 300;

/** Sends an answer in two pieces through the gate. Resolves when it has ended; returns how often it was released. */
async function relayed(gate: AnswerGate | undefined, isCoded: boolean): Promise<() => number> {
  const answer = new Readable({ read: () => undefined }) as IncomingMessage;
  Object.assign(answer, { statusCode: 200, rawHeaders: fields });
  const response = new Writable({ write: (_chunk, _encoding, done) => void setImmediate(done) });
  let releases = 0;
  await new Promise<void>((ended) => {
    const release = (): void => {
      releases += 1;
      relayAnswer(
        {
          answer,
          response: response as unknown as ServerResponse,
          begin: () => true,
          ended,
          broke: (error) => {
            throw error;
          },
          coder: (headers, output) => {
            if (!isCoded) return undefined;
            const limit = { acquire: () => true, release: () => undefined };
            const write = (chunk: Buffer): boolean => response.write(chunk);
            const { begin, broke } = output;
            const options = { maxBufferedBytes: 0, canPause: true };
            const to = { begin, broke, write, end: ended };
            return new CodedStream(headers, readAcceptEncoding('gzip')!, limit, to, options);
          },
        },
        fields,
        held,
      );
    };
    const held = BufferedAnswer.hold(gate, answer, release);
    answer.push(Buffer.alloc(pieceBytes, ' '));
    setImmediate(() => {
      answer.push(Buffer.alloc(pieceBytes, ' '));
      answer.push(null);
    });
  });
  return () => releases;
}

function gateOf(maxBytes: number): AnswerGate | undefined {
  const observer = {
    internalError: (error: unknown) => {
      throw error;
    },
  };
  const parts = { clock: systemClock, dueGets: new DueGets(), maxBytes, observer };
  const exchange = { head: { user: 'ann' } } as ClientExchange;
  const target = '/ucwa/oauth/v1/applications/1/events?ack=1';
  return new EventPriming({ ...parts, ahead: undefined, asks: { isOn: true } }).gate(
    exchange,
    target,
    undefined,
  );
}

test.each([
  ['plain', false],
  ['coded', true],
])('an answer over the limit is released once, and goes on: %s', async (_name, isCoded) => {
  const releases = await relayed(gateOf(100), isCoded);
  // The timer for slow answers must not release it again.
  await delay(60);
  expect(releases()).toBe(1);
});

test('an answer within the limit is released once', async () => {
  const releases = await relayed(gateOf(1_000_000), true);
  expect(releases()).toBe(1);
});

test.each([
  ['plain', false],
  ['coded', true],
])('an answer that its gate has paused goes on after the release: %s', async (_name, isCoded) => {
  const gate: AnswerGate = {
    arrived: (_fields, release) => ({
      take: () => {
        queueMicrotask(release);
        return false;
      },
      end: () => undefined,
      abandon: () => undefined,
    }),
  };
  const releases = await relayed(gate, isCoded);
  expect(releases()).toBe(1);
});
