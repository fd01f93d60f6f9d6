/** Access logs of known calls: requests with exact times, and their lines in each format. */
import { traceHeader, traceLine } from '../../src/core/shadow/trace.ts';
import { callClassOf } from '../../src/core/ucwa/call-class.ts';
import { routeTemplate } from '../../src/core/ucwa/route-template.ts';
import { fraction } from './fraction.ts';

/** A request as it really happened. */
export interface TrueRequest {
  /** Time of the arrival in ms since 1970, with fractions. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly application: string;
  readonly method: string;
  /** Path below the application, with the query. */
  readonly path: string;
  readonly status: number;
}

/** A shape of traffic. */
export interface Shape {
  readonly users: number;
  /** Calls that a user sends in one burst. */
  readonly burst: number;
  /** Time in which the calls of a burst arrive. */
  readonly spreadMs: number;
  /** Mean time between the bursts of a user. */
  readonly pauseMs: number;
  /** Mean duration of a call. */
  readonly tookMs: number;
  readonly writes: boolean;
}

export const startMs = Date.UTC(2026, 10, 30, 8, 59, 50);
const reads = ['me', 'me/note', 'me/presence', 'policies', 'people/groups', 'communication'];
const writes = ['me/presence', 'me/note', 'me/location', 'communication/messagingInvitations'];

/** Returns the calls that the proxy would batch. The same arguments give the same calls. */
export function trueCalls(shape: Shape, untilMs: number, seed: string): TrueRequest[] {
  const calls: TrueRequest[] = [];
  for (let user = 0; user < shape.users; user += 1) {
    let drawn = 0;
    const draw = (): number => fraction(`${seed} ${user} draws ${(drawn += 1)}`);
    for (let atMs = draw() * shape.pauseMs; atMs < untilMs;) {
      const size = 1 + Math.floor(draw() * (2 * shape.burst - 1));
      for (let n = 0; n < size; n += 1) {
        const isWrite = shape.writes && draw() < 0.2;
        const paths = isWrite ? writes : reads;
        const path = paths[Math.floor(draw() * paths.length)]!;
        calls.push({
          atMs: startMs + atMs + draw() * shape.spreadMs,
          tookMs: shape.tookMs * (0.4 - Math.log(1 - draw()) * 0.6),
          application: `1${String(user).padStart(11, '0')}`,
          method: isWrite ? 'POST' : 'GET',
          path: isWrite || draw() < 0.3 ? path : `${path}?n=${seed}.${user}.${drawn}`,
          status: draw() < 0.03 ? 404 : isWrite ? 204 : 200,
        });
      }
      atMs += -Math.log(1 - draw()) * shape.pauseMs + shape.spreadMs;
    }
  }
  return calls.sort((a, b) => a.atMs - b.atMs);
}

const prefix = '/ucwa/oauth/v1/applications/';

const targetOf = ({ application, path }: TrueRequest): string => `${prefix}${application}/${path}`;

/** Returns the recording that the proxy would have written. */
export function recordingOf(calls: readonly TrueRequest[]): string {
  const hex = (text: string): string => Math.floor(fraction(text) * 2 ** 32).toString(16);
  const lines = calls.map((call) => {
    const [resource = ''] = call.path.toLowerCase().split('?');
    const target = targetOf(call);
    return traceLine({
      atMs: call.atMs - startMs,
      user: hex(call.application),
      key: hex(call.application),
      callClass: callClassOf(call.method, target, `/${resource}`, Buffer.alloc(0)),
      method: call.method,
      route: routeTemplate(`/${resource}`),
      resource: hex(`${call.application} ${resource}`),
      same: call.method === 'GET' ? hex(target) : '',
      sizeBytes: 500,
      tookMs: call.tookMs,
      status: call.status,
    });
  });
  return [traceHeader, ...lines, ''].join('\n');
}

const endOf = ({ atMs, tookMs }: TrueRequest): number => atMs + tookMs;

const inOrderOfEnds = (requests: readonly TrueRequest[]): TrueRequest[] =>
  [...requests].sort((a, b) => endOf(a) - endOf(b));

const isoOf = (ms: number): string => new Date(ms).toISOString();

const usualFields =
  'date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken';

/** Returns the log of IIS. @param fields the fields of its lines */
export function iisLog(requests: readonly TrueRequest[], fields = usualFields): string {
  const lines = inOrderOfEnds(requests).map((request) => {
    const [stem = '', query = '-'] = targetOf(request).split('?');
    const values: Readonly<Record<string, string>> = {
      date: isoOf(endOf(request)).slice(0, 10),
      time: isoOf(endOf(request)).slice(11, 19),
      's-ip': '10.0.0.5',
      'cs-method': request.method,
      'cs-uri-stem': stem,
      'cs-uri-query': query,
      's-port': '443',
      'cs-username': 'CONTOSO\\canary',
      'c-ip': '192.0.2.17',
      'cs(User-Agent)': 'LyncMobile/6.2+(iPhone;+iOS+17.1)',
      'sc-status': String(request.status),
      'sc-substatus': '0',
      'sc-win32-status': '0',
      'cs-bytes': '500',
      'time-taken': String(Math.floor(request.tookMs)),
    };
    return fields
      .split(' ')
      .map((name) => values[name] ?? '-')
      .join(' ');
  });
  const head = ['#Software: Microsoft Internet Information Services 10.0', '#Version: 1.0'];
  return [...head, `#Date: ${isoOf(startMs).slice(0, 19).replace('T', ' ')}`, `#Fields: ${fields}`]
    .concat(lines, '')
    .join('\r\n');
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Formats a time: 30/Nov/2026:08:59:50. */
function commonTime(ms: number): string {
  const iso = isoOf(ms);
  const month = months[Number(iso.slice(5, 7)) - 1] ?? '';
  return `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)}`;
}

/** Returns the log of nginx: `combined` with `rt=$request_time`. */
export function nginxLog(requests: readonly TrueRequest[]): string {
  const lines = inOrderOfEnds(requests).map((request) => {
    const took = (Math.floor(request.tookMs) / 1000).toFixed(3);
    return (
      `192.0.2.17 - - [${commonTime(endOf(request))} +0000] "${request.method} ${targetOf(request)} HTTP/1.1" ` +
      `${request.status} 512 "-" "LyncMobile/6.2 (iPhone; iOS 17.1)" rt=${took} urt="${took}"`
    );
  });
  return [...lines, ''].join('\n');
}

/** Returns the log of HAProxy, as syslog stores it. */
export function haproxyLog(requests: readonly TrueRequest[]): string {
  const lines = inOrderOfEnds(requests).map((request) => {
    const { atMs, tookMs, method, status } = request;
    const took = Math.floor(tookMs);
    return (
      `Nov 30 09:00:00 edge haproxy[1438]: 192.0.2.17:33317 [${commonTime(atMs)}.${isoOf(atMs).slice(20, 23)}] ` +
      `ucwa~ pool/fe1 0/0/1/${took}/${took} ${status} 512 - - ---- 12/12/3/1/0 0/0 ` +
      `"${method} https://lyncweb.example.com${targetOf(request)} HTTP/2.0"`
    );
  });
  return [...lines, ''].join('\n');
}

/** Returns the log of Envoy in its default format. */
export function envoyLog(requests: readonly TrueRequest[]): string {
  const lines = inOrderOfEnds(requests).map((request) => {
    const { atMs, tookMs, method, status } = request;
    const took = Math.floor(tookMs);
    return (
      `[${isoOf(atMs)}] "${method} ${targetOf(request)} HTTP/1.1" ${status} - 0 512 ${took} ${took} ` +
      `"192.0.2.17" "LyncMobile/6.2" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "lyncweb.example.com" "10.0.0.5:443"`
    );
  });
  return [...lines, ''].join('\n');
}
