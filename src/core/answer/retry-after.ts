/**
 * `Retry-After` (RFC 9110 section 10.2.3) in milliseconds from now: whole or broken seconds, or a
 * date, which is held against the answer's own `Date`, so that wrong clocks do not matter.
 * `undefined`: there is none, or none that can be read.
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
