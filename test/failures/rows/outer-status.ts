/** Rows 1 to 17: what callers see if the whole answer has this status. `row.ts` explains the tuples. */
import { says } from '../../e2e/failure-seen.ts';
import { all, reads, type Case, type EachMethod, type Row } from './row.ts';

const challenge = [
  ...['WWW-Authenticate', 'Bearer trusted_issuers="", client_id="0004"'],
  ...['WWW-Authenticate', 'MsRtcOAuth href="https://fe01.pool.example/webticket"'],
];

const relayed = all(['pool', 0, '3']);
const relayedAlone = all(['pool', 0, '1']);
const sentAgain = all(['own', 1, '3 1']);
const smaller = all(['own', 1, '3 <3']);
const unknown = reads(['own', 1, '3 1'], ['504 unknown', 0, '3']);
const unknownThoughRun = reads(['own', 2, '3 1'], ['504 unknown', 1, '3']);
const failed = reads(['own', 1, '3 1'], ['pool', 0, '3']);

/** One case for each status. The pool runs no call of the batch that gets it. */
const each = (seen: EachMethod, ...statuses: readonly number[]): Case[] =>
  statuses.map((status) => ({ name: String(status), fault: says(status), ...seen }));

const alone = (status: number): Case => ({
  name: `${status} for a call that is sent alone`,
  travels: 'alone',
  fault: says(status),
  ...relayedAlone,
});

export const outerStatus: readonly Row[] = [
  { row: 1, fault: '400, batch of one', cases: [alone(400)] },
  {
    row: 2,
    fault: '400, batch of several',
    cases: [
      ...each(unknown, 400),
      { name: '400 though all ran', fault: says(400, { execute: true }), ...unknownThoughRun },
    ],
  },
  {
    row: 3,
    fault: '401',
    cases: [{ name: '401', fault: says(401, { headers: challenge }), ...relayed }],
  },
  { row: 4, fault: '403', cases: each(relayed, 403) },
  { row: 5, fault: "404 in UCWA's words", cases: each(relayed, 404) },
  {
    row: 6,
    fault: 'another 404, 405, 415, 501: no batch resource',
    cases: [
      {
        name: '404 of a web server',
        fault: says(404, { contentType: 'text/html' }),
        ...sentAgain,
      },
      ...each(sentAgain, 405, 415, 501),
    ],
  },
  { row: 7, fault: '408', cases: each(sentAgain, 408) },
  { row: 8, fault: '409', cases: [...each(unknown, 409), alone(409)] },
  { row: 9, fault: '410', cases: each(relayed, 410) },
  { row: 10, fault: '413', cases: [...each(smaller, 413), alone(413)] },
  { row: 11, fault: '421', cases: each(sentAgain, 421) },
  {
    row: 12,
    fault: '429',
    cases: [
      ...each(smaller, 429),
      {
        name: '429 with Retry-After',
        fault: says(429, { headers: ['Retry-After', '0.2'] }),
        ...smaller,
      },
      {
        name: '429 three times',
        fault: says(429),
        rule: { on: {}, times: 3 },
        ...all(['own', 1, '3 …']),
      },
      {
        name: '429 until the deadline',
        fault: says(429, { headers: ['Retry-After', '0.25'] }),
        rule: { on: {}, times: Infinity },
        withinMs: 600,
        ...all(['pool', 0, '3 …']),
      },
      {
        name: '429 with a Retry-After beyond the deadline',
        fault: says(429, { headers: ['Retry-After', '25'] }),
        withinMs: 24_000,
        ...relayed,
      },
      {
        name: '429 for a call that is sent alone',
        travels: 'alone',
        fault: says(429),
        ...all(['own', 1, '1 1']),
      },
    ],
  },
  {
    row: 13,
    fault: '429 for a call that is passed through',
    cases: [{ name: '429', travels: 'passed through', fault: says(429), ...relayedAlone }],
  },
  {
    row: 14,
    fault: '500',
    cases: [
      ...each(failed, 500),
      {
        name: '500 though all ran',
        fault: says(500, { execute: true }),
        ...reads(['own', 2, '3 1'], ['pool', 1, '3']),
      },
      alone(500),
    ],
  },
  {
    row: 15,
    fault: '502, 503, 504',
    cases: [
      ...each(failed, 502, 503, 504),
      {
        name: '503 with Retry-After',
        fault: says(503, { headers: ['Retry-After', '0.2'] }),
        ...failed,
      },
      {
        name: '503 for each request',
        fault: says(503),
        rule: { on: {}, times: Infinity },
        ...reads(['pool', 0, '3 1'], ['pool', 0, '3']),
      },
      alone(503),
    ],
  },
  {
    row: 16,
    fault: 'a redirect',
    cases: [301, 302, 307].map((status) => ({
      name: String(status),
      fault: says(status, { headers: ['Location', 'https://elsewhere.example/'] }),
      ...unknown,
    })),
  },
  {
    row: 17,
    fault: '200 without a multipart answer',
    cases: [
      { name: 'a page', fault: { kind: 'html' }, counted: ['not_multipart', 1], ...unknown },
      {
        name: 'a page though all ran',
        fault: { kind: 'html', execute: true },
        counted: ['not_multipart', 1],
        ...unknownThoughRun,
      },
      {
        name: 'no boundary',
        fault: { kind: 'noBoundary' },
        counted: ['not_multipart', 1],
        ...unknownThoughRun,
      },
    ],
  },
];
