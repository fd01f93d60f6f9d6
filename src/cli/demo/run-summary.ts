/** The counts of the proxy for the last lines of the demo. */
import { setTimeout as delay } from 'node:timers/promises';
import { httpGet } from '../http-get.ts';

/** Counts since the start of the proxy. */
export interface RunCounts {
  readonly calls: number;
  readonly requests: number;
}

const timeoutMs = 5000;

/**
 * Reads the counts from the metrics of the proxy. The proxy counts a call a moment after its client has
 * the answer, so this waits for about a second until no call is open and no count rises.
 */
export async function runCounts(adminUrl: string): Promise<RunCounts> {
  const signal = AbortSignal.timeout(timeoutMs);
  let [counts] = await readCounts(adminUrl, signal);
  for (let reading = 0; reading < 20; reading += 1) {
    await delay(50);
    const [later, open] = await readCounts(adminUrl, signal);
    const same = later.calls === counts.calls && later.requests === counts.requests;
    counts = later;
    if (same && open === 0) break;
  }
  return counts;
}

/** Returns the counts, and how many batchable calls have no answer yet. */
async function readCounts(adminUrl: string, signal: AbortSignal): Promise<[RunCounts, number]> {
  const { body } = await httpGet(new URL('/metrics', adminUrl), signal);
  const counts = {
    calls: sumOf(body, 'ucwa_proxy_calls_total'),
    requests: sumOf(body, 'ucwa_proxy_upstream_responses_total'),
  };
  return [
    counts,
    sumOf(body, 'ucwa_proxy_outstanding_calls') + sumOf(body, 'ucwa_proxy_held_calls'),
  ];
}

/** Says what the run did, and how much of it came after the scenes. */
export function runSummary(scenes: RunCounts, end: RunCounts): string {
  const [calls, requests] = [end.calls - scenes.calls, end.requests - scenes.requests];
  const own =
    calls === 0
      ? ''
      : `After the scenes it took ${counted(calls, 'call')}, and sent ${counted(requests, 'request')}.\n`;
  return `In this run the proxy took ${counted(end.calls, 'call')}, sent ${counted(
    end.requests,
    'request',
  )} to the pool, and so saved ${counted(Math.max(0, end.calls - end.requests), 'request')}.
${own}`;
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Returns the sum of all series of a metric. */
function sumOf(text: string, name: string): number {
  let sum = 0;
  for (const [, value] of text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))) {
    sum += Number(value);
  }
  return sum;
}
