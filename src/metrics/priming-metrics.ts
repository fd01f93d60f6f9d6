import { Counter, type Registry } from 'prom-client';
import { type PrimedOutcome, primedOutcomes } from '../core/priming/primed-answers.ts';

/** @param unneeded called for a GET in a batch that no client needed, because it saved no request */
export function createPrimingMetrics(
  registers: Registry[],
  unneeded: () => void,
): { primed(outcome: PrimedOutcome): void } {
  const primed = new Counter({
    name: 'ucwa_proxy_primed_calls_total',
    help:
      'GETs that the proxy sent before the client did (batching.eventPriming: ask). answered: the client asked later. ' +
      'followed: it asked before the answer. unused: it did not ask. outdated: a write or event came. failed: no answer.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of primedOutcomes) primed.inc({ outcome }, 0);
  return {
    primed(outcome) {
      primed.inc({ outcome });
      if (outcome === 'unused' || outcome === 'outdated') unneeded();
    },
  };
}
