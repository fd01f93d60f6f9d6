/** Lines of the access logs of reverse proxies: nginx, HAProxy and Envoy. */
import {
  commonTimeMs,
  type LineReader,
  type LogRequest,
  originForm,
  withinDate,
} from './log-request.ts';

const noProblem = (): undefined => undefined;

function perLine(read: (line: string) => LogRequest | undefined): LineReader {
  return { read: (line) => (line === '' ? 'none' : withinDate(read(line))), problem: noProblem };
}

const nginxLine =
  /^\S+ \S+ .*?\[([^\][]+)\] "([A-Z]+) (\S+)(?: HTTP\/[\d.]+)?" (\d{3}) (?:\d+|-)(?: |$)(.*)$/;
/** The answer of nginx to a client that left. */
const nginxClientLeft = 499;

/**
 * The format `combined` with `$request_time` behind it, bare or with a name. `$time_local` is the end of the
 * request in whole seconds. The first time in seconds with three decimals counts, or the one with a name.
 */
export const nginxLines = (): LineReader =>
  perLine((line) => {
    const found = nginxLine.exec(line);
    if (found === null) return undefined;
    const [, time = '', method = '', target = '', status = '', rest = ''] = found;
    const unquoted = rest.replace(/"[^"]*"/g, '""');
    const [, took] =
      /(?:^| |,)(?:rt|request_time)[=:]"?(\d+\.\d{3})/.exec(rest) ??
      /(?:^| )(?:\w+[=:])?(\d+\.\d{3})(?= |$)/.exec(unquoted) ??
      [];
    const endMs = timeMs(time);
    if (took === undefined || endMs === undefined) return undefined;
    return ended({
      endMs,
      resolutionMs: /\.\d/.test(time) ? 1 : 1000,
      tookMs: Math.round(Number(took) * 1000),
      method,
      target: originForm(target),
      status: Number(status) === nginxClientLeft ? 0 : Number(status),
    });
  });

/** Reads `$time_local`, `$time_iso8601` or `$msec`. */
function timeMs(text: string): number | undefined {
  if (/^\d+\.\d{3}$/.test(text)) return Number(text) * 1000;
  if (!/^\d{4}-\d\d-\d\dT/.test(text)) return commonTimeMs(text);
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

function ended(end: {
  readonly endMs: number;
  readonly resolutionMs: number;
  readonly tookMs: number;
  readonly method: string;
  readonly target: string;
  readonly status: number;
}): LogRequest {
  const { endMs, resolutionMs, tookMs, method, target, status } = end;
  return {
    loggedMs: endMs,
    earliestMs: endMs - tookMs - 1,
    latestMs: endMs - tookMs + resolutionMs,
    ...{ tookMs, method, target, status, sizeBytes: 0 },
  };
}

const haproxyLine =
  /\[(\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d\.\d{3})\] \S+ \S+ (-?\d+)\/-?\d+\/-?\d+\/-?\d+\/\+?(-?\d+) (-?\d+) \+?\d+ \S+ \S+ (\S{4}) .*?"([A-Z]+) (\S+?)(?: HTTP\/[\d.]+)?"/;

/**
 * The formats `httplog` and `httpslog`. The time is that of the first byte of the request, in ms. The first timer is
 * the time for the head of the request, and the last is the whole time.
 */
export const haproxyLines = (): LineReader =>
  perLine((line) => {
    const found = haproxyLine.exec(line);
    if (found === null) return undefined;
    const [, time = '', head, whole, status = '', ended = '', method = '', target = ''] = found;
    const startMs = commonTimeMs(time);
    if (startMs === undefined) return undefined;
    const headMs = Math.max(0, Number(head));
    const tookMs = Math.max(0, Number(whole) - headMs);
    return {
      loggedMs: startMs + headMs + tookMs,
      // The time and the timer are both cut to whole milliseconds.
      earliestMs: startMs + headMs,
      latestMs: startMs + headMs + 2,
      tookMs,
      method,
      target: originForm(target),
      status: /^[Cc]/.test(ended) ? 0 : Math.max(0, Number(status)),
      sizeBytes: 0,
    };
  });

const envoyLine =
  /^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)\] "([A-Z]+) (\S+)(?: \S+)?" (\d{1,3}) (\S+) (?:\S+ ){0,5}?(\d+) \d+ (\d+) (?:\d+|-) "/;

/** The default format of Envoy, and that of Istio. The time is the start of the request, in ms. */
export const envoyLines = (): LineReader =>
  perLine((line) => {
    const found = envoyLine.exec(line);
    if (found === null) return undefined;
    const [, time = '', method = '', target = '', status, flags = '', received, took] = found;
    const startMs = Date.parse(time);
    const tookMs = Number(took);
    if (Number.isNaN(startMs)) return undefined;
    return {
      loggedMs: startMs + tookMs,
      earliestMs: startMs,
      latestMs: startMs + 1,
      tookMs,
      method,
      target: originForm(target),
      status: /\bDC\b/.test(flags) ? 0 : Number(status),
      sizeBytes: Number(received),
    };
  });
