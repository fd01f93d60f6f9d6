import type { Ending } from '../../src/core/schedule/sink.ts';

/** What the pool does with a batch. */
export interface PoolPlan {
  readonly afterMs: number;
  /** Parts come one by one, so far apart; `undefined`: all at the end. */
  readonly partEveryMs: number | undefined;
  readonly ending: 'complete' | 'relay' | 'broken-off' | 'miscounted';
}

export function endingOf({ ending }: PoolPlan): Ending {
  switch (ending) {
    case 'complete':
      return { kind: 'complete' };
    case 'relay':
      return {
        kind: 'relay',
        reply: { status: 429, reason: '', headers: [], body: Buffer.from('relayed') },
      };
    case 'broken-off':
    case 'miscounted':
      return { kind: ending, fault: { phase: 'unknown', name: 'http_protocol_error' } };
  }
}
