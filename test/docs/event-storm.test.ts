/** The table in docs/event-priming.md: a phone hears 200 events, over a round trip of 60 ms to the pool. */
import { expect, test } from '@jest/globals';
import { modes, places, playStorm, type Storm } from '../support/event-storm.ts';
import { expectSection } from './markdown.ts';

const page = 'docs/event-priming.md';

const clients = [
  { name: 'HTTP/2', connections: Infinity },
  { name: '6 connections', connections: 6 },
] as const;

const storms = places.flatMap((place) =>
  clients.map((client) => ({
    place,
    client,
    played: Object.fromEntries(
      modes.map((mode) => [mode, playStorm(mode, place, client.connections)]),
    ) as Record<(typeof modes)[number], Storm>,
  })),
);

/** The proxy half way, and a phone with HTTP/2. */
const { direct, off, hold, ask } = storms[0]!.played;

test('hold saves at least 90 % of the requests, at the median latency of today', () => {
  expect(1 - hold.requests / direct.requests).toBeGreaterThanOrEqual(0.9);
  expect(hold.requests).toBeLessThan(off.requests);
  // Holds of other lengths move the median by some microseconds.
  expect(hold.p50Ms).toBeLessThan(off.p50Ms + 0.1);
});

test('ask halves the median latency of a direct call, with at most 10 % in vain', () => {
  expect(ask.p50Ms).toBeLessThanOrEqual(direct.p50Ms * 0.5);
  expect(ask.waste).toBeLessThanOrEqual(0.1);
  expect(1 - ask.requests / direct.requests).toBeGreaterThanOrEqual(0.9);
});

test('ask is never slower than a direct call, and wastes at most 10 %, wherever the proxy stands', () => {
  for (const { place, played } of storms) {
    expect([place.name, played.ask.p50Ms < played.direct.p50Ms]).toEqual([place.name, true]);
    expect(played.ask.waste).toBeLessThanOrEqual(0.1);
  }
});

test('the page has the figures', async () => {
  const rows = storms.flatMap(({ place, client, played }) =>
    modes.map((mode) => {
      const { p50Ms, p95Ms, gets, requests, waste } = played[mode];
      const figures = [p50Ms, p95Ms].map((ms) => ms.toFixed(0));
      const shares = [1 - requests / gets, waste].map((share) => `${(share * 100).toFixed(0)} %`);
      return `| ${[place.name, client.name, mode, ...figures, requests, ...shares].join(' | ')} |`;
    }),
  );
  await expectSection(page, 'event storm', [
    '| proxy | phone | mode | p50, ms | p95, ms | requests | saved | in vain |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]);
});
