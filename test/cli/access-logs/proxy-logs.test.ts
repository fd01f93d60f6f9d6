import { expect, test } from '@jest/globals';
import { lineReader, recognizeFormat } from '../../../src/cli/access-logs/log-format.ts';
import { traceHeader } from '../../../src/core/shadow/trace.ts';

const path = '/ucwa/oauth/v1/applications/1045/me';
const atMs = Date.UTC(2026, 10, 30, 9, 0, 5);
const nginx = (time: string, rest: string, status = 200): string =>
  `192.0.2.17 - ann [${time}] "GET ${path}?x=1 HTTP/1.1" ${status} 512 ${rest}`;
const agents = '"https://a.example/1.234 2" "Mozilla/5.0 1.250 (X11)"';

test.each([
  ['bare', nginx('30/Nov/2026:10:00:05 +0100', `${agents} 0.042`), 1000],
  ['named', nginx('30/Nov/2026:09:00:05 +0000', `${agents} urt="0.040" rt=0.042`), 1000],
  ['after another time', nginx('30/Nov/2026:03:30:05 -0530', `${agents} request_time=0.042`), 1000],
  ['first of two', nginx('30/Nov/2026:09:00:05 +0000', `${agents} "-" 0.042 0.040 .`), 1000],
  ['with an ISO time', nginx('2026-11-30T10:00:05+01:00', `${agents} 0.042`), 1000],
  ['with $msec', nginx(`${atMs / 1000}.000`, `${agents} 0.042`), 1],
])('a line of nginx has its request time %s', (_where, line, resolutionMs) => {
  expect(recognizeFormat([line])).toBe('nginx');
  expect(lineReader('nginx').read(line)).toEqual({
    loggedMs: atMs,
    earliestMs: atMs - 43,
    latestMs: atMs - 42 + resolutionMs,
    tookMs: 42,
    method: 'GET',
    target: `${path}?x=1`,
    status: 200,
    sizeBytes: 0,
  });
});

test('a line of nginx without a request time cannot be read', () => {
  expect(recognizeFormat([nginx('30/Nov/2026:09:00:05 +0000', agents)])).toBeUndefined();
});

const haproxy = (timers: string, status: string, ended: string, request: string): string =>
  `Nov 30 09:00:05 edge haproxy[14389]: 192.0.2.17:33317 [30/Nov/2026:09:00:05.120] https~ ` +
  `pool/fe1 ${timers} ${status} 2750 - - ${ended} 1/1/1/1/0 0/0 {lync.example} {} "${request}"`;

test.each([
  [haproxy('10/0/30/69/109', '200', '----', `GET ${path} HTTP/1.1`), 130, 99, 200],
  [haproxy('0/0/1/20/+21', '200', '----', `GET https://a.example${path} HTTP/2.0`), 120, 21, 200],
  [haproxy('0/0/1/-1/400', '-1', 'CH--', `GET ${path} HTTP/1.1`), 120, 400, 0],
  [`${haproxy('5/0/0/1/6', '200', '----', `GET ${path} HTTP/1.1`)} 0/0/0/0 -/TLSv1.3`, 125, 1, 200],
])('a line of HAProxy has its arrival and duration: %s', (line, arrivedMs, tookMs, status) => {
  expect(recognizeFormat([line])).toBe('haproxy');
  expect(lineReader('haproxy').read(line)).toMatchObject({
    ...{ earliestMs: atMs + arrivedMs, latestMs: atMs + arrivedMs + 2, tookMs, status },
    ...{ loggedMs: atMs + arrivedMs + tookMs, method: 'GET', target: path },
  });
});

const envoy = (middle: string): string =>
  `[2026-11-30T09:00:05.120Z] "POST ${path} HTTP/2" ${middle} "192.0.2.17" "Lync" "id" "a.example" "10.0.0.5:443"`;

test.each([
  [envoy('204 - 154 0 226 100'), 204],
  [envoy('0 DC 154 0 226 -'), 0],
  [envoy('204 - via_upstream - "-" 154 0 226 100'), 204],
])('a line of Envoy has its arrival and duration: %s', (line, status) => {
  expect(recognizeFormat([line])).toBe('envoy');
  expect(lineReader('envoy').read(line)).toEqual({
    ...{ loggedMs: atMs + 346, earliestMs: atMs + 120, latestMs: atMs + 121, tookMs: 226 },
    ...{ method: 'POST', target: path, status, sizeBytes: 154 },
  });
});

test('a format is recognized from the content, behind lines that cannot be read', () => {
  const line = nginx('30/Nov/2026:09:00:05 +0000', `${agents} 0.042`);
  expect(recognizeFormat(['half a line', '', line])).toBe('nginx');
  expect(recognizeFormat([traceHeader])).toBe('recording');
  expect(recognizeFormat(['#Software: x', '#Fields: time'])).toBe('iis');
  expect(recognizeFormat(['time,who'])).toBeUndefined();
});

test('times that do not exist make a line unreadable', () => {
  const line = nginx('30/Foo/2026:09:00:05 +0000', `${agents} 0.042`);
  expect(lineReader('nginx').read(line)).toBeUndefined();
  expect(lineReader('haproxy').read('')).toBe('none');
});

const iisHead = '#Fields: date time cs-method cs-uri-stem sc-status time-taken';

test.each([
  ['nginx', nginx('9999999999999.000', `${agents} 0.042`)],
  ['nginx', nginx('30/Nov/2026:09:00:05 +0000', `${agents} rt=9999999999999.000`)],
  ['haproxy', haproxy('0/0/1/20/9999999999999999', '200', '----', `GET ${path} HTTP/1.1`)],
  ['envoy', envoy('204 - 154 0 9999999999999999 100')],
  ['iis', `2026-11-30 09:00:05 GET ${path} 200 Infinity`],
] as const)('a time that no date can show makes a line of %s unreadable', (format, line) => {
  const reader = lineReader(format);
  reader.read(iisHead);
  expect(reader.read(line)).toBeUndefined();
});

test('the time to read a line grows with its length, whatever the line has', () => {
  const timeOf = (length: number): number => {
    const line = `a b ${'['.repeat(length)}`;
    const startMs = performance.now();
    lineReader('nginx').read(line);
    return performance.now() - startMs;
  };
  timeOf(1000);
  // The square of this length would take seconds.
  expect(timeOf(65_000)).toBeLessThan(1000);
});
