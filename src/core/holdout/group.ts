/**
 * What the proxy counts of a group of users. The calls of one user are alike, so the users are spread over blocks, and a
 * block is one observation. This is the usual way to compare groups of users with many calls each.
 */
import { Durations } from './durations.ts';

const blocks = 16;
/** A block with fewer calls is no observation. */
const fewestCalls = 20;

export interface Block {
  calls: number;
  errors: number;
  requests: number;
  bytes: number;
  readonly durations: Durations;
}

export class Group {
  readonly #blocks: readonly Block[] = Array.from({ length: blocks }, () => ({
    ...{ calls: 0, errors: 0, requests: 0, bytes: 0 },
    durations: new Durations(),
  }));

  /** @param point see `pointOf` */
  blockOf(point: number): Block {
    return this.#blocks[blockIndex(point)] as Block;
  }

  /** All blocks as one. */
  total(): Block {
    const total = { calls: 0, errors: 0, requests: 0, bytes: 0, durations: new Durations() };
    for (const block of this.#blocks) {
      total.calls += block.calls;
      total.errors += block.errors;
      total.requests += block.requests;
      total.bytes += block.bytes;
      total.durations.merge(block.durations);
    }
    return total;
  }

  /** Returns the value of each block that has enough calls. */
  values(measure: (block: Block) => number): number[] {
    return this.#blocks.filter(({ calls }) => calls >= fewestCalls).map(measure);
  }
}

/** The share decides by the point too, so the block depends on the later digits of the point only. */
export function blockIndex(point: number): number {
  return Math.floor(((point * 65_536) % 1) * blocks);
}

/** The errors and durations of the calls of one route, by block. */
export class RouteGroup {
  readonly #calls = new Float64Array(blocks);
  readonly #errors = new Float64Array(blocks);
  readonly #sumsMs = new Float64Array(blocks);

  add(block: number, durationMs: number, isError: boolean): void {
    this.#calls[block] = (this.#calls[block] as number) + 1;
    this.#sumsMs[block] = (this.#sumsMs[block] as number) + durationMs;
    if (isError) this.#errors[block] = (this.#errors[block] as number) + 1;
  }

  /** The mean duration in each block that has enough calls, in ms. */
  get meansMs(): number[] {
    return this.#shares(this.#sumsMs);
  }

  /** The share of errors in each block that has enough calls. */
  get errorShares(): number[] {
    return this.#shares(this.#errors);
  }

  #shares(sums: Float64Array): number[] {
    return [...sums].flatMap((sum, block) => {
      const calls = this.#calls[block] as number;
      return calls < fewestCalls ? [] : [sum / calls];
    });
  }
}
