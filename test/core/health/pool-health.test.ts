import { beforeEach, describe, expect, test } from '@jest/globals';
import { PoolHealth } from '../../../src/core/health/pool-health.ts';
import {
  advice,
  isConnectionKind,
  upstreamErrorKind,
  upstreamErrorKinds,
} from '../../../src/core/health/upstream-errors.ts';

const times = { everyMs: 30_000, whileFailingMs: 5000 };
const refused = { kind: 'connection_refused', code: 'ECONNREFUSED' } as const;

let told: unknown[];
let health: PoolHealth;

function create(hasOthers = false): PoolHealth {
  return new PoolHealth(
    {
      began: (kind, code) => told.push(['began', kind, code]),
      ended: (kind, failures, lastedMs) => told.push(['ended', kind, failures, lastedMs]),
    },
    times,
    hasOthers,
  );
}

/** Checks the pool at this time. */
function check(failure: typeof refused | undefined, atMs: number): void {
  health.checking(atMs);
  health.checked(failure, atMs);
}

beforeEach(() => {
  told = [];
  health = create();
});

test('the pool is unknown until a check has ended', () => {
  expect(health.reachability).toEqual({ kind: 'unknown' });
  expect(health.isDue(0)).toBe(true);
  health.checking(0);
  expect(health.reachability).toEqual({ kind: 'unknown' });
  health.checked(undefined, 10);
  expect(health.reachability).toEqual({ kind: 'reachable' });
});

test('an outage has one report for its begin and one for its end, however many checks and requests fail', () => {
  check(refused, 0);
  for (let nowMs = 5000; nowMs <= 50_000; nowMs += 5000) {
    check(refused, nowMs);
    health.failed('connection_refused', 'ECONNREFUSED', nowMs + 1);
    health.tick(nowMs + 2);
  }
  expect(health.reachability).toEqual({ kind: 'unreachable', failure: refused, sinceMs: 0 });
  check(undefined, 55_000);
  health.tick(60_000);
  expect(told).toEqual([
    ['began', 'connection_refused', 'ECONNREFUSED'],
    ['ended', 'connection_refused', 21, 55_000],
  ]);
});

test('an outage lasts until a check passes, even if no request fails in the meantime', () => {
  check(refused, 0);
  health.tick(3_600_000);
  expect(told).toHaveLength(1);
});

test('a connection that flaps is reported at most every two seconds', () => {
  for (let nowMs = 0; nowMs < 20_000; nowMs += 100) {
    health.failed('connection_refused', undefined, nowMs);
    check(undefined, nowMs + 50);
  }
  expect(told).toHaveLength(1);
  check(undefined, 23_000);
  expect(told).toHaveLength(2);
});

test('each kind has reports of its own', () => {
  health.failed('http_response_timeout', undefined, 0);
  health.failed('http_protocol_error', 'HPE_INVALID_CONSTANT', 1);
  health.failed('http_response_timeout', undefined, 2);
  expect(told).toEqual([
    ['began', 'http_response_timeout', undefined],
    ['began', 'http_protocol_error', 'HPE_INVALID_CONSTANT'],
  ]);
});

test('failures after the connection end a minute after the last one, and a passing check does not end them', () => {
  health.failed('http_response_timeout', undefined, 0);
  health.failed('http_response_timeout', undefined, 30_000);
  check(undefined, 40_000);
  health.tick(89_999);
  expect(told).toHaveLength(1);
  health.tick(90_000);
  expect(told[1]).toEqual(['ended', 'http_response_timeout', 2, 90_000]);
  health.failed('http_response_timeout', undefined, 100_000);
  expect(told).toHaveLength(3);
});

test('without checks an outage ends after a minute without a failure', () => {
  health.failed('dns_error', 'ENOTFOUND', 0);
  health.tick(59_999);
  expect(told).toHaveLength(1);
  health.tick(60_000);
  expect(told).toHaveLength(2);
});

describe('a check is due', () => {
  test('rarely while the pool works', () => {
    check(undefined, 0);
    expect(health.isDue(29_999)).toBe(false);
    expect(health.isDue(30_000)).toBe(true);
  });

  test('often while it cannot be reached', () => {
    check(refused, 0);
    expect(health.isDue(4999)).toBe(false);
    expect(health.isDue(5000)).toBe(true);
  });

  test('soon after a request could not connect, but not for each such request', () => {
    check(undefined, 0);
    health.failed('connection_refused', undefined, 4000);
    expect(health.isDue(4000)).toBe(false);
    expect(health.isDue(5000)).toBe(true);
  });
});

test('a failed connection to one of several servers is no report: the log of the servers has it', () => {
  health = create(true);
  check(undefined, 0);
  health.failed('connection_refused', undefined, 1);
  expect(told).toEqual([]);
  expect(health.isDue(5000)).toBe(true);
  check(refused, 5000);
  expect(told).toHaveLength(1);
});

test('each kind has advice, and faults that the proxy causes are no kind', () => {
  expect(Object.keys(advice).sort()).toEqual([...upstreamErrorKinds].sort());
  expect(upstreamErrorKind('proxy_internal_error')).toBeUndefined();
  expect(upstreamErrorKind('connection_limit_reached')).toBeUndefined();
  expect(upstreamErrorKinds.filter(isConnectionKind)).toEqual([
    'dns_error',
    'connection_refused',
    'connection_timeout',
    'destination_unavailable',
    'tls_certificate_error',
    'tls_protocol_error',
    'tls_alert_received',
  ]);
});
