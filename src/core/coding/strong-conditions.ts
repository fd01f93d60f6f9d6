/** Conditions of writes by clients that got coded answers. */
import type { RawHeaders } from '../messages/http-message.ts';

/**
 * Returns the request fields with strong tags in `If-Match`. The proxy may have made a tag weak, and a weak tag
 * matches nothing there (RFC 9110 section 13.1.1). If the tag of the pool is weak itself, the strong form does not
 * match it either.
 */
export function strongConditions(headers: RawHeaders): string[] {
  return headers.map((value, i) => {
    const isCondition = i % 2 === 1 && headers[i - 1]?.toLowerCase() === 'if-match';
    return isCondition ? value.replace(/W\/("[^"]*")|("[^"]*")/g, '$1$2') : value;
  });
}
