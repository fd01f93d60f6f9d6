/**
 * The effects of failures on callers, as data. docs/failures.md shows this table. failures.test.ts
 * tries each row on the simulated pool, which records the calls that ran.
 */
import { compressedBomb } from '../support/compressed-bomb.ts';
import {
  asIs,
  askedAgain,
  type Failure,
  type FailureCase,
  notRun,
  refusedUntilLate,
  says,
  sentAgain,
  smaller,
  unknown,
} from './failure-seen.ts';

const smallAnswers = { UCWA_PROXY_LIMITS_MAX_RESPONSE_BYTES: '4096' };
const second: FailureCase['rule'] = { on: { kind: 'part' }, skip: 1 };
/** A byte offset that lies in the second part of every batch answer of these cases. */
const inSecondPart = 400;

const batchType = 'multipart/batching; boundary="B"';

function deadline(ms: number): Record<string, string> {
  return {
    UCWA_PROXY_UPSTREAM_TIMEOUT_MS: `${ms}`,
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: `${Math.min(ms, 1000)}`,
  };
}

/** One case per status, named by the status. No call ran. */
function refusals(...statuses: readonly number[]): FailureCase[] {
  return statuses.map((status) => ({ name: String(status), fault: says(status) }));
}

export const failures: readonly Failure[] = [
  {
    when: 'the pool refuses the batch with 429: the user has too many calls at a time',
    read: { ...smaller, text: `${smaller.text}, after a pause` },
    write: { ...smaller, text: `${smaller.text}, after a pause` },
    cases: [
      ...refusals(429),
      {
        name: '429 with Retry-After',
        fault: says(429, { headers: ['Retry-After', '0.3'] }),
        waitsMs: 300,
      },
    ],
  },
  {
    when: 'the pool repeats the 429 until the deadline, or its `Retry-After` ends after the deadline',
    read: refusedUntilLate,
    write: refusedUntilLate,
    cases: [
      {
        name: '429 until the deadline',
        fault: says(429, { headers: ['Retry-After', '0.25'] }),
        rule: { on: {}, times: Infinity },
        env: deadline(600),
      },
      {
        name: '429 with a Retry-After beyond the deadline',
        fault: says(429, { headers: ['Retry-After', '25'] }),
        env: deadline(24_000),
      },
    ],
  },
  {
    when: "the pool refuses the user, or the application is gone (401, 403, 410, or a 404 in UCWA's format)",
    read: asIs,
    write: asIs,
    cases: [
      {
        name: '401',
        fault: says(401, {
          headers: [
            ...['WWW-Authenticate', 'Bearer trusted_issuers="", client_id="0004"'],
            ...['WWW-Authenticate', 'MsRtcOAuth href="https://fe01.pool.example/webticket"'],
          ],
        }),
      },
      ...refusals(403, 404, 410),
    ],
  },
  {
    when: 'the pool has no batch resource (another 404, 405, 415, 501); calls then travel unbatched for a minute',
    read: sentAgain,
    write: sentAgain,
    cases: [
      { name: '404 of a web server', fault: says(404, { contentType: 'text/html' }) },
      ...refusals(405, 415, 501),
    ],
  },
  {
    when: 'the batch is too large for the pool (413)',
    read: smaller,
    write: smaller,
    cases: refusals(413),
  },
  {
    when: 'the pool did not read the batch (408), or is the wrong server for it (421)',
    read: sentAgain,
    write: sentAgain,
    cases: refusals(408, 421),
  },
  {
    when: 'the pool answers the batch with 400, 409 or a redirect, which says nothing about the single calls',
    read: askedAgain,
    write: unknown,
    cases: [
      ...refusals(400, 409),
      { name: '400 after all ran', fault: says(400, { execute: true }), ran: true },
      {
        name: '302',
        fault: says(302, { headers: ['Location', 'https://elsewhere.example/'] }),
      },
    ],
  },
  {
    when: 'the pool answers the batch with 500, 502, 503 or 504',
    read: askedAgain,
    write: asIs,
    cases: [
      ...refusals(500, 502, 503, 504),
      { name: '500 after all ran', fault: says(500, { execute: true }), ran: true },
    ],
  },
  {
    when: 'the pool answers the batch with 503 and `Retry-After`',
    read: { ...askedAgain, text: `${askedAgain.text}, after the time in \`Retry-After\`` },
    write: { ...asIs, text: `${asIs.text}, at once` },
    cases: [
      {
        name: '503 with Retry-After',
        fault: says(503, { headers: ['Retry-After', '0.3'] }),
        waitsMs: 300,
      },
    ],
  },
  {
    when: 'the answer is not a batch answer (an HTML page, no boundary, an unknown content coding)',
    read: askedAgain,
    write: unknown,
    cases: [
      {
        name: 'an unknown content coding',
        fault: says(200, { contentType: batchType, headers: ['Content-Encoding', 'br'] }),
        counted: 'coding',
      },
      { name: 'an HTML page', fault: { kind: 'html' }, counted: 'not_multipart' },
      {
        name: 'an HTML page after all ran',
        fault: { kind: 'html', execute: true },
        ran: true,
        counted: 'not_multipart',
      },
      { name: 'no boundary', fault: { kind: 'noBoundary' }, ran: true, counted: 'not_multipart' },
    ],
  },
  {
    when: 'the answer has fewer or more parts than the batch has calls',
    read: askedAgain,
    write: unknown,
    cases: [
      {
        name: 'one part fewer',
        fault: { kind: 'fewerParts', count: 1 },
        ran: true,
        counted: 'fewer_parts',
      },
      {
        name: 'one part more',
        fault: { kind: 'moreParts', count: 1 },
        ran: true,
        counted: 'more_parts',
      },
    ],
  },
  {
    when: 'the part for this call is not a valid HTTP message',
    read: askedAgain,
    write: unknown,
    cases: [
      {
        name: 'one part malformed',
        fault: { kind: 'malformedPart', index: 1 },
        hit: [1],
        ran: true,
        counted: 'malformed_part',
      },
    ],
  },
  {
    when: 'the answer breaks off before the part for this call is complete',
    read: askedAgain,
    write: unknown,
    cases: [
      ...(['contentLength', 'chunked', 'complete'] as const).map((framing) => ({
        name: `truncated, ${framing}`,
        fault: { kind: 'truncate' as const, afterBytes: inSecondPart, framing },
        hit: [1, 2],
        ran: true,
        counted: 'truncated',
      })),
      {
        name: 'a reset in the middle',
        fault: { kind: 'reset', at: inSecondPart },
        hit: [1, 2],
        ran: true,
        counted: 'truncated',
      },
      { name: 'a reset after the head', fault: { kind: 'reset', at: 'afterHead' }, ran: true },
    ],
  },
  {
    when: 'the answer exceeds `limits.maxResponseBytes` before the part for this call is complete',
    read: askedAgain,
    write: unknown,
    cases: [
      {
        name: 'a part too large',
        fault: { kind: 'malformedPart', index: 1, message: 'x'.repeat(9000) },
        hit: [1, 2],
        ran: true,
        env: smallAnswers,
        counted: 'too_large',
      },
      {
        name: 'a compressed bomb',
        fault: { kind: 'status', status: 200, ...compressedBomb(1024 * 1024), execute: true },
        ran: true,
        env: smallAnswers,
        counted: 'too_large',
      },
    ],
  },
  {
    when: 'the connection breaks before an answer, or the answer is not HTTP',
    read: askedAgain,
    write: unknown,
    cases: [
      { name: 'a reset before the head', fault: { kind: 'reset', at: 'beforeHead' }, ran: true },
      {
        name: 'a reset before it ran',
        fault: { kind: 'reset', at: 'beforeHead', execute: false },
      },
      { name: 'junk', fault: { kind: 'junk', execute: true }, ran: true },
    ],
  },
  {
    when: 'the pool does not answer the batch',
    read: { ...askedAgain, text: 'its answer: the proxy sends it once more meanwhile, unbatched' },
    write: { ...unknown, text: `${unknown.text}, at its deadline` },
    cases: [
      { name: 'silence', fault: { kind: 'hang' }, ran: true, env: deadline(1000) },
      {
        name: 'silence of a pool that is usually quick',
        fault: { kind: 'hang', execute: false },
        env: deadline(1500),
        warm: true,
      },
    ],
  },
  {
    when: 'the proxy tries twice, and cannot reach the pool',
    read: notRun,
    write: notRun,
    cases: [{ name: 'connection refused' }],
  },
  {
    when: 'the pool answers this call with an error (4xx, 5xx)',
    read: asIs,
    write: asIs,
    cases: [404, 409, 500].map((status) => ({
      name: `${status} for a part`,
      rule: second,
      fault: says(status),
      hit: [1],
    })),
  },
  {
    when: 'the pool answers only this call with 429',
    read: askedAgain,
    write: asIs,
    cases: [{ name: '429 for a part', rule: second, fault: says(429), hit: [1] }],
  },
];

/** Returns the failure case with this name. */
export function failureCase(name: string): FailureCase {
  const found = failures.flatMap(({ cases }) => cases).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  return found;
}
