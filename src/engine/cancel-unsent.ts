import type { Call } from '../core/schedule/state.ts';

/** Aborts the request of a late call if it is unsent and serves no other call. Returns whether it never runs. */
export function cancelUnsent({ batch }: Call<unknown>): boolean {
  const exchange = batch?.inFlight?.exchange;
  if (exchange?.started !== false || (batch?.waiting !== 1 && !exchange.isAborted)) return false;
  exchange.abort();
  return true;
}
