/**
 * Returns the delay of a `Retry-After` (RFC 9110 section 10.2.3) in ms; `undefined` without a legal one. The
 * value may be seconds, also with decimals, or a date. A date is compared with the `Date` of the same response,
 * so the clocks of pool and proxy may differ.
 *
 * @param field the value of `Retry-After`
 * @param date the value of `Date`
 */
export function retryAfterMs(
  field: string | undefined,
  date: string | undefined,
): number | undefined {
  const text = field?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) {
    return undefined;
  }
  /* eslint-disable no-restricted-globals -- reads a text, not the clock */
  const atMs = Date.parse(text);
  const nowMs = Date.parse(date ?? '');
  /* eslint-enable no-restricted-globals */
  return Number.isNaN(atMs) || Number.isNaN(nowMs) ? undefined : Math.max(0, atMs - nowMs);
}
