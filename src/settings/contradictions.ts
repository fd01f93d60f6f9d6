import { type Address, addressOf, overlap, reaches } from './address.ts';
import { leaves } from './describe-settings.ts';
import { complaint, type Findings, shown } from './findings.ts';
import { poolContradictions } from './pool-contradictions.ts';
import type { Settings } from './schema.ts';

/**
 * Pairs in which the first value must not exceed the second. Otherwise the first limit has no effect,
 * Node refuses the pair, or calls end before their hold ends. The charts have the same pairs.
 */
export const notAbove: ReadonlyArray<readonly [smaller: string, larger: string]> = [
  ['limits.maxQueuedCallsPerUser', 'limits.maxQueuedCalls'],
  ['limits.maxQueuedBytesPerUser', 'limits.maxQueuedBytes'],
  ['limits.maxResponseBytes', 'limits.maxBufferedResponseBytes'],
  ['listen.headersTimeoutMs', 'listen.requestTimeoutMs'],
  ['batching.lingerMaxMs', 'upstream.timeoutMs'],
];

/** Pairs in which the first setting needs the second. */
const inPairs: ReadonlyArray<readonly [string, string]> = [
  ['listen.tls.cert', 'listen.tls.key'],
  ['listen.tls.key', 'listen.tls.cert'],
  ['upstream.tls.cert', 'upstream.tls.key'],
  ['upstream.tls.key', 'upstream.tls.cert'],
];

/**
 * Returns a message for each pair of settings that contradict each other. The message has the place
 * of a setting that was given, not of a default. Settings that already have a problem are skipped.
 */
export function contradictions(settings: Settings, found: Findings): string[] {
  const problems: string[] = [];
  const isSound = (...keys: string[]) => keys.every((key) => !found.broken.has(key));
  const isGiven = (key: string) => found.given.has(key);
  const valueOf = (key: string) => found.given.get(key)?.value ?? leaves.get(key)?.defaultValue;
  const described = (key: string) =>
    `${key} (${String(valueOf(key))}${isGiven(key) ? '' : ' by default'})`;
  const placeOf = (key: string) => found.given.get(key)?.place ?? 'default';
  const complain = (key: string, expected: string, what = shown(valueOf(key), placeOf(key))) => {
    problems.push(complaint(placeOf(key), key, expected, what));
  };

  for (const [smaller, larger] of notAbove) {
    if (!isSound(smaller, larger) || Number(valueOf(smaller)) <= Number(valueOf(larger))) continue;
    if (isGiven(smaller)) complain(smaller, `at most ${described(larger)}`);
    else complain(larger, `at least ${described(smaller)}`);
  }

  for (const [key, other] of inPairs) {
    if (isSound(key, other) && isGiven(key) && !isGiven(other)) {
      complain(key, `${other} beside it`, 'none');
    }
  }

  const { listen, admin } = settings;
  const listeners: ReadonlyArray<readonly [key: string, address: Address | undefined]> = [
    ['admin.address', admin.address],
    ['listen.plain', listen.plain],
    ['listen.address', listen.address],
  ];
  for (const [i, [key, own]] of listeners.entries()) {
    for (const [other, address] of listeners.slice(i + 1)) {
      if (own === undefined || address === undefined || !overlap(own, address)) continue;
      if (!isSound(key, other)) continue;
      const [given, apart] = isGiven(key) ? [key, other] : [other, key];
      complain(given, `an address apart from ${described(apart)}`);
    }
  }

  const [further] = settings.listen.tls.certs;
  if (further !== undefined && isSound('listen.tls.cert') && !isGiven('listen.tls.cert')) {
    const place = found.given.get('listen.tls.certs[0].cert')?.place ?? 'listen.tls.certs';
    problems.push(complaint(place, 'listen.tls.certs', 'listen.tls.cert beside it', 'none'));
  }

  const hasPlainPort = listen.plain !== undefined || !isGiven('listen.tls.cert');
  if (listen.h2c && !hasPlainPort && isSound('listen.h2c', 'listen.plain', 'listen.tls.cert')) {
    complain('listen.h2c', 'listen.plain beside it, for clients without TLS', 'none');
  }

  const { mode } = settings.batching;
  const isUnbatched = mode === 'off' || mode === 'shadow';
  if (isSound('record.file', 'batching.mode') && isGiven('record.file') && !isUnbatched) {
    complain('record.file', 'batching.mode off or shadow beside it', described('batching.mode'));
  }

  problems.push(...poolContradictions(settings, found));

  const { url } = settings.upstream;
  if (url === undefined || !isSound('upstream.url')) return problems;
  const pool = addressOf(new URL(url));
  for (const [key, own] of listeners.toReversed()) {
    if (own !== undefined && isSound(key) && reaches(pool, own)) {
      complain('upstream.url', 'the address of the pool', `this proxy's own ${described(key)}`);
    }
  }
  for (const key of leaves.keys()) {
    if (key.startsWith('upstream.tls.') && isGiven(key) && url.startsWith('http:')) {
      complain(key, 'an https upstream.url', shown(url));
    }
  }
  return problems;
}
