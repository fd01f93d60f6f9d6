/** Reads the request field `X-Ucwa-Batch`, by which a client says what the proxy does with a call. */

/** The wishes of a client for one call. */
export interface BatchWish {
  /** The call stays out of batches. */
  readonly never: boolean;
  /** The answer says how the proxy handled the call. */
  readonly explain: boolean;
  /** The field has a value that the proxy does not know. */
  readonly hasUnknown: boolean;
}

const known: ReadonlySet<string> = new Set(['never', 'explain']);

/**
 * Reads a list of values, separated by commas. Case is ignored. The proxy ignores an unknown value, and explains the
 * answer, so that the client can see the mistake.
 *
 * @param text the values of all fields of that name, joined by commas
 */
export function readBatchWish(text: string): BatchWish {
  const values = text.toLowerCase().split(',');
  const wishes = new Set(values.map((value) => value.trim()).filter((value) => value !== ''));
  const hasUnknown = [...wishes].some((wish) => !known.has(wish));
  return { never: wishes.has('never'), explain: wishes.has('explain') || hasUnknown, hasUnknown };
}
