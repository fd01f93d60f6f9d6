/**
 * The urgency of a call, from the field `Priority` (RFC 9218): 0 is the most urgent, 7 the least. The proxy reads
 * only `u`, and forwards the field unchanged.
 */
import { readDictionary } from './structured-dictionary.ts';

/** The urgency of a call that names none. */
export const usualUrgency = 3;

/**
 * The field that Chrome and Edge send over HTTP/2 with every fetch and XMLHttpRequest. It says nothing about a
 * call, so it counts as no field. Otherwise no call of a browser could be held.
 */
const ofEachFetch = 'u=1, i';

/** A longer value counts as no field, so that a client cannot make the proxy read long ones. */
const maxBytes = 256;

/** Calls of this urgency, and more urgent ones, are never held for companions. */
export const neverHeldUpTo = 1;
/** Calls of this urgency, and less urgent ones, wait until another call is sent. */
export const waitsFrom = 6;

/**
 * Returns the urgency in a `Priority` field. A value that is no dictionary counts as no field, and a `u` that is no
 * integer from 0 to 7 as no `u` (RFC 9218 section 4).
 *
 * @param value the values of all `Priority` fields, joined by commas
 */
export function urgencyOf(value: string): number {
  if (value === ofEachFetch) return usualUrgency;
  const members = value.length <= maxBytes ? readDictionary(value) : undefined;
  const urgency = members?.get('u') ?? usualUrgency;
  // `-0` is an integer too.
  return urgency >= 0 && urgency <= 7 ? Math.abs(urgency) : usualUrgency;
}
