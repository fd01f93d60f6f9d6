/**
 * Checks every row for each method: the answer of each caller, the number of runs, and the requests
 * sent.
 */
import { describe, expect, test } from '@jest/globals';
import { bringAbout, type Fate } from './bring-about.ts';
import { outerStatus } from './outer-status.ts';
import { parts } from './parts.ts';
import { type Case, type Method, methods, type Seen } from './row.ts';
import { transport } from './transport.ts';

/** Classifies an answer in the words of a row. */
function answerOf({ call, ran }: Fate, fates: readonly Fate[], { fault }: Case): string {
  const { status, headers, rawHeaders, text } = call.answer;
  const nonce = headers['x-nonce'];
  // Only the simulator records runs.
  if (nonce === call.nonce) return (ran.at(-1) ?? status) === status ? 'own' : `own, ${status}`;
  if (fault !== undefined && 'kind' in fault && fault.kind === 'status') {
    const said = fault.headers ?? [];
    const isThere = said.every(
      (value, i) => i % 2 === 0 || rawHeaders[rawHeaders.indexOf(value) - 1] === said[i - 1],
    );
    if (status === fault.status && text === fault.body && isThere) return 'pool';
  }
  if (headers['content-type'] === 'application/problem+json') {
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['proxy-status']).toMatch(/^ucwa-batch-proxy; error=[a-z_]+$/);
    expect(headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    return `${status} ${(JSON.parse(text) as { executed: string }).executed}`;
  }
  const mirrored = fates[fates.length - 1 - fates.findIndex((fate) => fate.call === call)];
  if (nonce !== undefined && nonce === mirrored?.call.nonce) return 'mirrored';
  return `${status} ${text}`;
}

/** Whether the requests match the row, including `<3` and `…`. */
function isSent(sent: readonly number[], said: string): boolean {
  const wanted = said === '' ? [] : said.split(' ');
  const isOpen = wanted.at(-1) === '…';
  if (isOpen) wanted.pop();
  if (isOpen ? sent.length < wanted.length : sent.length !== wanted.length) return false;
  return wanted.every((token, i) => {
    const parts = sent[i] ?? 0;
    return token.startsWith('<') ? parts < Number(token.slice(1)) : parts === Number(token);
  });
}

const spared: Seen = ['own', 1, '3'];

async function expectRow(one: Case, method: Method): Promise<void> {
  const { fates, proxy } = await bringAbout(one, method);
  fates.forEach((fate, position) => {
    const [answer, ran, sent] = one.hit?.includes(position) === false ? spared : one[method];
    // Calls mostly arrive at the proxy in the order of asking, and parts have the order of arrival.
    const isMiddle = answer === 'mirrored' && position === 1;
    expect({
      position,
      answer: answerOf(fate, fates, one),
      ran: fate.ran.length,
      sent: isSent(fate.sent, sent) ? sent : fate.sent.join(' '),
    }).toEqual({ position, answer: isMiddle ? 'own' : answer, ran, sent });
  });
  const metrics = await proxy.metrics();
  if (one.counted !== undefined) {
    const [kind, times] = one.counted;
    expect(metrics.get(`ucwa_proxy_protocol_errors_total{kind="${kind}"}`)).toBe(times);
  }
  for (const [series, value] of metrics) {
    if (series.startsWith('ucwa_proxy_invariant_violations_total')) expect(value).toBe(0);
  }
  expect(metrics.get('ucwa_proxy_held_calls')).toBe(0);
}

const rows = [...outerStatus, ...parts, ...transport];

test('the table has every row from 1 to 37', () => {
  expect(rows.map(({ row }) => row)).toEqual(Array.from({ length: 37 }, (_, i) => i + 1));
});

describe.each(rows)('$row. $fault', ({ cases }) => {
  const each = cases.flatMap((one) => methods.map((method) => [one.name, method, one] as const));
  test.each(each)('%s: %s', async (_name, method, one) => {
    await expectRow(one, method);
  });
});
