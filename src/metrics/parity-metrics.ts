/** Metrics of `batching.verify`. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Comparison } from '../core/parity/comparison.ts';
import { differenceKinds } from '../core/parity/fingerprint.ts';
import { leaveReasons, type LeaveReason } from '../core/schedule/slow/unbatched-routes.ts';

export interface ParityObserver {
  compared(comparison: Comparison): void;
  /** A GET that was chosen was not compared. */
  skipped(): void;
  /** The proxy sends a GET that no client asked for. */
  asked(): void;
}

export interface ParitySource {
  readonly compared: number;
  readonly upperBound: number;
  /** Routes that are sent unbatched now. */
  unbatched(reason: LeaveReason): number;
}

const outcomes = ['same', 'differs', 'noisy', 'skipped'] as const;

/** @param asked called for each request that saved nothing */
export function createParityMetrics(registers: Registry[], asked: () => void): ParityObserver {
  const comparisons = new Counter({
    name: 'ucwa_proxy_parity_total',
    help:
      'GETs answered in a batch that batching.verify chose to ask again directly. differs: the batch changed the answer. ' +
      'noisy: the direct answers differed from each other. skipped: the pool was near a limit. Normal is 0 differs.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of outcomes) comparisons.inc({ outcome }, 0);
  const differences = new Counter({
    name: 'ucwa_proxy_parity_differences_total',
    help:
      'Differences between the answer of a batch and the direct ones, by kind. header_*: fields of that class. ' +
      'Only status, header_content, header_links and body count as a change of the answer.',
    labelNames: ['kind'],
    registers,
  });
  for (const kind of differenceKinds) differences.inc({ kind }, 0);
  return {
    compared({ outcome, kinds }) {
      comparisons.inc({ outcome });
      for (const kind of kinds) differences.inc({ kind });
    },
    skipped: () => comparisons.inc({ outcome: 'skipped' }),
    asked,
  };
}

export function createParityGauges(registers: Registry[], source: () => ParitySource): void {
  new Gauge({
    name: 'ucwa_proxy_parity_compared',
    help:
      'Comparisons since a route last left batches or came back, without noisy ones: the n of parity_upper_bound. ' +
      'Normal is a rising value if batching.verify is above 0.',
    registers,
    collect() {
      this.set(source().compared);
    },
  });
  new Gauge({
    name: 'ucwa_proxy_parity_upper_bound',
    help:
      'The share of answers that a batch changes is below this value, with a confidence of 95 %. ' +
      '1: nothing is known. The aim is at most 0.001, which takes about 3,300 comparisons.',
    registers,
    collect() {
      this.set(source().upperBound);
    },
  });
  new Gauge({
    name: 'ucwa_proxy_unbatched_routes',
    help:
      'Routes that the proxy sends unbatched for some hours. differs: batches changed their answers (batching.verify). ' +
      'errors, slower: users with batches fared worse than users without (batching.share). Normal is 0.',
    labelNames: ['reason'],
    registers,
    collect() {
      for (const reason of leaveReasons) this.set({ reason }, source().unbatched(reason));
    },
  });
}
