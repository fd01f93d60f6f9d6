/** Writes the answer of the pool to the client: as it arrives, or whole if its body changes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RawHeaders } from '../core/messages/http-message.ts';
import { BufferedAnswer } from './buffered-answer.ts';
import { sendHeadAlone } from './client-response.ts';
import type { BodyCoder, BodyRewrite, CoderOutput } from './pass-through-call.ts';

export interface AnswerRelay {
  readonly answer: IncomingMessage;
  readonly response: ServerResponse;
  /** Writes the head. Returns `false` if the exchange is over. */
  readonly begin: (fields: RawHeaders) => boolean;
  /** The whole body has been written. */
  readonly ended: () => void;
  readonly broke: (error: unknown) => void;
  /** Returns the coder of a body with these fields; `undefined` if the body is not coded. */
  readonly coder: (fields: RawHeaders, output: CoderOutput) => BodyCoder | undefined;
}

/**
 * Streams the body to the client, or buffers it and writes the changed answer.
 *
 * @param change the held answer, or how the body changes; `undefined` if it streams unchanged
 */
export function relayAnswer(
  relay: AnswerRelay,
  fields: RawHeaders,
  change: BodyRewrite | BufferedAnswer | undefined,
): void {
  if (change instanceof BufferedAnswer) {
    relayHeld(relay, fields, change);
    return;
  }
  if (change !== undefined) {
    bufferAnswer(relay, fields, change);
    return;
  }
  if (stream(relay, fields)) setImmediate(sendHeadAlone, relay.answer, relay.response);
}

/** Writes what has arrived of a held answer, and streams the rest of it. */
function relayHeld(relay: AnswerRelay, fields: RawHeaders, held: BufferedAnswer): void {
  const { chunks, isWhole } = held.release();
  if (!isWhole) {
    stream(relay, fields, chunks);
    return;
  }
  const coder = relay.coder(fields, relay);
  if (coder !== undefined) {
    for (const chunk of chunks) coder.write(chunk);
    coder.end();
    return;
  }
  if (!relay.begin(fields)) return;
  for (const chunk of chunks) relay.response.write(chunk);
  relay.ended();
}

/** Streams the rest of the body. Returns whether the head may have to be sent alone. */
function stream(relay: AnswerRelay, fields: RawHeaders, received: readonly Buffer[] = []): boolean {
  const { answer, response, begin, ended } = relay;
  const coder = relay.coder(fields, relay);
  if (coder !== undefined) {
    streamCoded(answer, coder, received);
    return false;
  }
  if (!begin(fields)) return false;
  for (const chunk of received) response.write(chunk);
  answer.on('end', ended);
  answer.pipe(response, { end: false });
  return true;
}

function streamCoded(answer: IncomingMessage, coder: BodyCoder, received: readonly Buffer[]): void {
  const take = (chunk: Buffer): boolean => {
    const goesOn = coder.write(chunk);
    if (!goesOn) answer.pause();
    return goesOn;
  };
  coder.onDrained = () => void answer.resume();
  const verdicts = received.map(take);
  answer.on('data', take);
  answer.on('end', () => coder.end());
  // The gate of the answer may have paused it too.
  if (verdicts.at(-1) === true) answer.resume();
}

/** Buffers the body, and writes the changed answer. A body that is too long streams to the client unchanged. */
function bufferAnswer(relay: AnswerRelay, fields: RawHeaders, change: BodyRewrite): void {
  const { answer, response } = relay;
  const chunks: Buffer[] = [];
  let bytes = 0;
  const guarded = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      relay.broke(error);
    }
  };
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes <= change.maxBytes) return;
    answer.removeListener('data', onData);
    answer.removeListener('end', onEnd);
    change.tooLarge();
    guarded(() => stream(relay, fields, chunks));
  };
  const onEnd = (): void =>
    guarded(() => {
      const { headers, body } = change.rewrite(Buffer.concat(chunks, bytes));
      if (!relay.begin(headers)) return;
      if (body.length > 0) response.write(body);
      relay.ended();
    });
  answer.on('data', onData);
  answer.on('end', onEnd);
}
