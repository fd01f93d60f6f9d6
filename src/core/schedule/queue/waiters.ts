import type { Call } from '../state.ts';

/** A call and those that share its part. */
export function waitersOf<T>(call: Call<T>): ReadonlyArray<Call<T>> {
  return call.followers === undefined ? [call] : [call, ...call.followers];
}

const nobody: readonly never[] = [];

/** Those of them who wait for an answer that travels. */
export function travellersOf<T>(call: Call<T>): ReadonlyArray<Call<T>> {
  if (call.followers === undefined) return call.stage === 'sent' ? [call] : nobody;
  return waitersOf(call).filter(({ stage }) => stage === 'sent');
}
