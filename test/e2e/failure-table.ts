/**
 * What callers see when something fails, as data: the README shows it, and each line is tried on the
 * simulated pool, whose ledger says what ran.
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
/** In the second part, whatever was asked for. */
const inSecondPart = 400;

const batchType = 'multipart/batching; boundary="B"';

function deadline(ms: number): Record<string, string> {
  return {
    UCWA_PROXY_UPSTREAM_TIMEOUT_MS: `${ms}`,
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: `${Math.min(ms, 1000)}`,
  };
}

/** Nothing ran; each is named by its status. */
function refusals(...statuses: readonly number[]): FailureCase[] {
  return statuses.map((status) => ({ name: String(status), fault: says(status) }));
}

export const failures: readonly Failure[] = [
  {
    when: 'the pool allows the user no more calls at a time (429)',
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
    when: 'it says so until the deadline, or asks for a longer pause',
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
    when: "it refuses the user, or the application is gone (401, 403, 404 in UCWA's words, 410)",
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
    when: 'it turns out to know no batches (another 404, 405, 415, 501): for a minute calls travel by themselves',
    read: sentAgain,
    write: sentAgain,
    cases: [
      { name: '404 of a web server', fault: says(404, { contentType: 'text/html' }) },
      ...refusals(405, 415, 501),
    ],
  },
  {
    when: 'the batch is too large for it (413)',
    read: smaller,
    write: smaller,
    cases: refusals(413),
  },
  {
    when: 'it did not read the batch (408), or was not the one to ask (421)',
    read: sentAgain,
    write: sentAgain,
    cases: refusals(408, 421),
  },
  {
    when: 'it says something of the batch that tells nothing of the calls (400, 409, a redirect)',
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
    when: 'it fails (500, 502, 503, 504)',
    read: askedAgain,
    write: asIs,
    cases: [
      ...refusals(500, 502, 503, 504),
      { name: '500 after all ran', fault: says(500, { execute: true }), ran: true },
    ],
  },
  {
    when: 'it fails and says when to come again (503 with `Retry-After`)',
    read: { ...askedAgain, text: `${askedAgain.text}, after that time` },
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
    when: 'its answer is none to a batch (an HTML page, no boundary, a strange coding)',
    read: askedAgain,
    write: unknown,
    cases: [
      {
        name: 'a coding that nobody knows',
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
    when: 'its answer has fewer or more parts than calls',
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
    when: 'the part of this call is no HTTP message',
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
    when: 'its answer breaks off before the part of this call was whole',
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
    when: 'its answer passes `limits.maxResponseBytes` before the part of this call was whole',
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
    when: 'the connection breaks before an answer, or what comes is no HTTP',
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
    when: 'no answer to the batch comes',
    read: { ...askedAgain, text: 'its answer: it is asked once more meanwhile, by itself' },
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
    when: 'the pool cannot be reached, tried twice',
    read: notRun,
    write: notRun,
    cases: [{ name: 'connection refused' }],
  },
  {
    when: 'the pool answers this call with an error of its own (4xx, 5xx)',
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
    when: 'the pool answers this call alone with 429',
    read: askedAgain,
    write: asIs,
    cases: [{ name: '429 for a part', rule: second, fault: says(429), hit: [1] }],
  },
];

/** The failure to which that case belongs. */
export function failureCase(name: string): FailureCase {
  const found = failures.flatMap(({ cases }) => cases).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  return found;
}
