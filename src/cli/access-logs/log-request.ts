/** A request of an access log, and the reader of one format of lines. */

/** One request. All times are in ms since 1970. */
export interface LogRequest {
  /** The end of the request as the log has it. Lines of a log come roughly in this order. */
  readonly loggedMs: number;
  /** The earliest time at which the request may have arrived. */
  readonly earliestMs: number;
  /** The latest time at which the request may have arrived. */
  readonly latestMs: number;
  readonly tookMs: number;
  readonly method: string;
  /** Path and query. It can hold secrets, and is never shown. */
  readonly target: string;
  /** The status of the answer; 0 if the client left before its end. */
  readonly status: number;
  /** The size of the request in bytes; 0 if the log does not have it. */
  readonly sizeBytes: number;
}

/** The highest time that `Date` can show, in ms since 1970. */
const mostMs = 8.64e15;

/** Returns the request, or `undefined` if a time of it is outside of what `Date` can show. */
export function withinDate(request: LogRequest | undefined): LogRequest | undefined {
  const { loggedMs = NaN, earliestMs = NaN } = request ?? {};
  return Math.abs(loggedMs) <= mostMs && Math.abs(earliestMs) <= mostMs ? request : undefined;
}

/** Reads the lines of one file in order. */
export interface LineReader {
  /** Returns the request of the line, `'none'` for a line without a request, or `undefined` for an unreadable line. */
  read(line: string): LogRequest | 'none' | undefined;
  /** Returns why no line of the file can be read, or `undefined`. */
  problem(): string | undefined;
}

const months = new Map(
  ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map(
    (name, index) => [name, index],
  ),
);

/** Matches `30/Nov/2026:14:05:09`, with optional milliseconds and an optional offset from UTC. */
const commonTime =
  /^(\d\d)\/(\w{3})\/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?(?: ([+-])(\d\d)(\d\d))?$/;

/** Returns the time of the common log format, in ms since 1970. A time without an offset counts as UTC. */
export function commonTimeMs(text: string): number | undefined {
  const found = commonTime.exec(text);
  const month = months.get(found?.[2] ?? '');
  if (found === null || month === undefined) return undefined;
  const [, day, , year, hour, minute, second, ms = '0', sign, zoneHours = '0', zoneMinutes = '0'] =
    found;
  const offsetMs = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  return (
    Date.UTC(+(year ?? 0), month, +(day ?? 0), +(hour ?? 0), +(minute ?? 0), +(second ?? 0), +ms) -
    (sign === '-' ? -offsetMs : offsetMs)
  );
}

/** Returns the target in origin form: logs of HTTP/2 can have a scheme and a host before the path. */
export function originForm(target: string): string {
  return target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?]*/i, '');
}
