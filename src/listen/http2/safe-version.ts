/**
 * Whether this Node can serve HTTP/2. A client can crash versions of nghttp2 before 1.68.1: frames of a wrong
 * size behind the end of a session corrupt the memory of the process (CVE-2026-27135). Node 20 has version
 * 1.61, and gets no fix.
 */
const fixedIn = [1, 68, 1] as const;

/** @param version of nghttp2, such as `1.70.0`; `undefined` in a Node without nghttp2 */
export function isSafeForHttp2(version: string | undefined): boolean {
  const numbers = (version ?? '').split('.').map(Number);
  for (const [place, fixed] of fixedIn.entries()) {
    const number = numbers[place] ?? NaN;
    if (number !== fixed) return number > fixed;
  }
  return true;
}
