/**
 * A trace: a recording of calls as comma-separated values. The first line has the names of the columns. Each
 * other line describes one call: its arrival, its duration, and which calls it equals. A trace contains no data
 * of the calls. Users, keys, resources and requests are keyed hashes, and the key is discarded.
 */
import type { CallClass } from '../messages/outgoing-call.ts';

/** One call of a trace. */
export interface TraceCall {
  /** The time of the arrival since the start of the recording, in ms. */
  readonly atMs: number;
  /** A hash of the credentials. */
  readonly user: string;
  /** A hash of the other fields of the batch key. */
  readonly key: string;
  readonly callClass: CallClass;
  readonly method: string;
  /** The route below the application, see `routeTemplate`. */
  readonly route: string;
  /** A hash of the path. */
  readonly resource: string;
  /** A hash that is equal for identical calls, which may share a part; empty for a call that may share none. */
  readonly same: string;
  readonly sizeBytes: number;
  /** The time from sending the call to the end of the response, in ms. */
  readonly tookMs: number;
  /** The status of the response; 0 without a response, or if the caller left. */
  readonly status: number;
}

interface Column {
  readonly name: string;
  readonly expected: string;
  readonly pattern: RegExp;
}

const time = { expected: 'milliseconds', pattern: /^\d{1,12}(?:\.\d{1,6})?$/ };
const count = { expected: 'a whole number', pattern: /^\d{1,9}$/ };
const hash = { expected: 'a hash', pattern: /^[0-9a-f]{1,64}$/ };

const columns = [
  { name: 'at_ms', ...time },
  { name: 'user', ...hash },
  { name: 'key', ...hash },
  { name: 'class', expected: 'safe, unsafe or operation', pattern: /^(?:safe|unsafe|operation)$/ },
  { name: 'method', expected: 'GET, POST, PUT or DELETE', pattern: /^(?:GET|POST|PUT|DELETE)$/ },
  { name: 'route', expected: 'a route', pattern: /^[\w/.{}…-]{0,500}$/ },
  { name: 'resource', ...hash },
  { name: 'same', expected: 'a hash or nothing', pattern: /^[0-9a-f]{0,64}$/ },
  { name: 'bytes', ...count },
  { name: 'took_ms', ...time },
  { name: 'status', expected: 'a status, 0 for none', pattern: /^(?:0|[1-5]\d\d)$/ },
] as const satisfies readonly Column[];

/** The first line of a trace. */
export const traceHeader = columns.map(({ name }) => name).join(',');

const mostProblems = 20;

/** Returns the line for a call, without a line end. */
export function traceLine(call: TraceCall): string {
  const { atMs, user, key, callClass, method, route, resource, same } = call;
  const { sizeBytes, tookMs, status } = call;
  const fields = [
    ...[atMs.toFixed(2), user, key, callClass, method, route, resource, same],
    ...[sizeBytes, tookMs.toFixed(2), status],
  ];
  return fields.join(',');
}

/** The calls in order of arrival, or at most 20 problems, each as `file:line:column: …`. */
export type ReadTrace =
  | { readonly ok: true; readonly calls: readonly TraceCall[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Reads a trace.
 *
 * @param file the name of the file, for the problems
 * @param text the content of the file
 */
export function readTrace(file: string, text: string): ReadTrace {
  const lines = text.split(/\r?\n/);
  const problems: string[] = [];
  const [header = '', ...rows] = lines;
  if (header === '') return { ok: false, problems: [`${file}: expected a trace, found nothing`] };
  if (header !== traceHeader) {
    return { ok: false, problems: [`${file}:1:1: expected the columns ${traceHeader}`] };
  }
  const calls: TraceCall[] = [];
  rows.forEach((row, index) => {
    // The last line may be incomplete, because a recording may stop at any byte. It is then ignored.
    const isLast = index === rows.length - 1;
    if (row === '' || problems.length >= mostProblems) return;
    const fields = row.split(',');
    const problem = problemIn(fields);
    if (problem === undefined) calls.push(callOf(fields));
    else if (!isLast) problems.push(`${file}:${index + 2}:${problem}`);
  });
  if (problems.length === 0 && calls.length === 0) {
    problems.push(`${file}: expected calls, found none`);
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, calls: calls.sort((a, b) => a.atMs - b.atMs) };
}

/**
 * Returns the first problem of a line as `column: …`, or `undefined`. Columns are counted in characters from 1.
 */
function problemIn(fields: readonly string[]): string | undefined {
  let at = 1;
  for (const [index, { name, expected, pattern }] of columns.entries()) {
    const field = fields[index];
    if (field === undefined)
      return `${at - 1}: ${name}: expected ${expected}, found the end of the line`;
    if (!pattern.test(field)) {
      // The text of the field is not repeated, because it may be a secret.
      return `${at}: ${name}: expected ${expected}, found ${field === '' ? 'nothing' : 'other text'}`;
    }
    at += field.length + 1;
  }
  return fields.length > columns.length ? `${at}: expected the end of the line` : undefined;
}

function callOf(fields: readonly string[]): TraceCall {
  const text = (index: number): string => fields[index] ?? '';
  return {
    atMs: Number(text(0)),
    user: text(1),
    key: text(2),
    callClass: text(3) as CallClass,
    method: text(4),
    route: text(5),
    resource: text(6),
    same: text(7),
    sizeBytes: Number(text(8)),
    tookMs: Number(text(9)),
    status: Number(text(10)),
  };
}
