import type { IncomingMessage } from 'node:http';
import type { AnswerGate, AnswerReader } from './answer-gate.ts';

/** Memory of a buffered chunk besides its bytes. It bounds the number of short chunks. */
const chunkCostBytes = 128;

/** An answer with a body that is buffered until the gate of the call releases it. */
export class BufferedAnswer {
  readonly #answer: IncomingMessage;
  readonly #reader: AnswerReader;
  readonly #chunks: Buffer[] = [];
  #isWhole = false;

  /** @returns `undefined` if the answer need not wait */
  static hold(
    gate: AnswerGate | undefined,
    answer: IncomingMessage,
    release: () => void,
  ): BufferedAnswer | undefined {
    if (gate === undefined || answer.statusCode !== 200) return undefined;
    const reader = gate.arrived(answer.rawHeaders, release);
    return reader && new BufferedAnswer(answer, reader);
  }

  private constructor(answer: IncomingMessage, reader: AnswerReader) {
    this.#answer = answer;
    this.#reader = reader;
    answer.on('data', this.#take);
    answer.on('end', this.#end);
  }

  /** Ends the buffering. Returns the buffered bytes, and whether they are the whole body. */
  release(): { readonly chunks: readonly Buffer[]; readonly isWhole: boolean } {
    this.#detach();
    return { chunks: this.#chunks.splice(0), isWhole: this.#isWhole };
  }

  /** To be called when the answer is not needed any more. */
  abandon(): void {
    this.#detach();
    this.#chunks.length = 0;
    this.#reader.abandon();
  }

  readonly #take = (chunk: Buffer): void => {
    // The copy does not keep the rest of the memory into which the chunk was read.
    this.#chunks.push(Buffer.from(chunk));
    if (!this.#reader.take(chunk.length + chunkCostBytes)) this.#answer.pause();
  };

  readonly #end = (): void => {
    this.#isWhole = true;
    this.#reader.end(this.#chunks);
  };

  #detach(): void {
    this.#answer.removeListener('data', this.#take);
    this.#answer.removeListener('end', this.#end);
  }
}
