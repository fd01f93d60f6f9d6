/** Properties of a pool, each turned into its opposite, with the check that names it. */
import { gzipSync } from 'node:zlib';
import type { Fault, RequestKind } from '../../src/simulator/faults/fault.ts';
import { type Flip, refusal, without } from './flipped-pool.ts';

export interface NamedFlip extends Flip {
  readonly name: string;
  /** The id of the check that names the flip. */
  readonly check: string;
  readonly seen: RegExp;
  /** Default `different`. */
  readonly verdict?: 'as believed' | 'not known';
  /** Flags that the check needs. */
  readonly allowed?: readonly string[];
  /** Whether the run uses an application of its own. */
  readonly createsApplication?: true;
}

export const always = (
  kind: RequestKind,
  fault: Fault,
  target?: RegExp,
): Pick<Flip, 'prepare'> => ({
  prepare: (pool) =>
    pool.faults.add({
      on: { kind, ...(target === undefined ? {} : { target }) },
      times: Infinity,
      fault,
    }),
});

export const count = (body: string): number => body.split('msgtype=request').length - 1;

/** A pool that refuses batches for which the condition holds. */
export const refusing = (
  condition: (body: string, contentType: string) => boolean,
  status = 400,
): Pick<Flip, 'request'> => ({
  request: ({ isBatch, body, headers }) =>
    isBatch && condition(body, headers['content-type'] ?? '') ? refusal(status) : undefined,
});

export const asked = { verdict: 'as believed' } as const;

const partLimit = 7;
const byteLimit = 20_000;

/** A pool with a setting that makes the proxy right again, by the name of the setting. */
export const decisive = {
  'batching.mode': always('batch', { kind: 'permute' }),
  'batching.maxParts': refusing((body) => count(body) > partLimit),
  'batching.maxBytes': refusing((body) => body.length > byteLimit, 413),
  'batching.never': always('part', { kind: 'status', status: 500 }, /\/me\/presence$/),
  'upstream.connectionAuth': {
    answer: (answer) => {
      if (answer.status !== 401) return;
      const others = without(answer.headers, 'www-authenticate');
      answer.headers = [...others, 'WWW-Authenticate', 'Negotiate', 'WWW-Authenticate', 'NTLM'];
    },
  },
} satisfies Record<string, Flip>;

/** Flips of connections, discovery and sign-in. */
export const edgeFlips: readonly NamedFlip[] = [
  {
    ...{ name: 'closes each connection', check: 'http.keep-alive', seen: /closes it/ },
    answer: (answer) => void answer.headers.push('Connection', 'close'),
  },
  {
    ...{ name: 'has a wrong clock', check: 'http.clock', seen: /differ by more than 60 s/ },
    answer: (answer) =>
      void (answer.headers = [
        ...without(answer.headers, 'date'),
        ...['Date', 'Mon, 30 Nov 2020 12:00:00 GMT'],
      ]),
  },
  {
    ...{ name: 'sends no date', check: 'http.clock', seen: /no Date/ },
    answer: (answer) => void (answer.headers = without(answer.headers, 'date')),
  },
  {
    ...{ name: 'refuses proxies', check: 'http.via', seen: /200 without Via, 403 with Via/ },
    request: ({ headers, isBatch }) =>
      headers.via !== undefined && !isBatch ? refusal(403) : undefined,
  },
  {
    ...{ name: 'compresses nothing for proxies', check: 'http.via' },
    seen: /gzip without Via, no coding with Via/,
    answer: (answer, { headers }) => {
      if (headers.via === undefined) answer.headers.push('Content-Encoding', 'gzip');
      if (headers.via === undefined) answer.body = gzipOf(answer.body);
    },
  },
  {
    ...{ name: 'refuses other names', check: 'http.host', seen: /refuses other names with 421/ },
    ...asked,
    request: ({ headers }) =>
      headers.host?.endsWith('invalid') === true ? refusal(421) : undefined,
  },
  {
    ...{ name: 'codes unasked', check: 'http.identity', seen: /gzip/ },
    answer: (answer) => {
      answer.headers.push('Content-Encoding', 'gzip');
      answer.body = gzipOf(answer.body);
    },
  },
  {
    ...{ name: 'has links to another address', check: 'discovery.links', seen: /of 3 links/ },
    options: { publicUrl: 'https://web.canary.example' },
  },
  {
    ...{ name: 'has no discovery', check: 'discovery.links', seen: /status 404/ },
    request: ({ target }) => (/autodiscover/i.test(target) ? refusal(404) : undefined),
  },
  {
    ...{ name: 'redirects to a form', check: 'sign-in.challenge', seen: /status 302/ },
    answer: (answer) => {
      if (answer.status !== 401) return;
      answer.status = 302;
      answer.headers.push('Location', 'https://canary.example/login');
    },
  },
  {
    ...{ name: 'signs in connections only', check: 'sign-in.challenge' },
    seen: /401 with Negotiate, NTLM/,
    ...decisive['upstream.connectionAuth'],
  },
  {
    ...{ name: 'has no Windows sign-in', check: 'sign-in.windows', seen: /does not offer it/ },
    ...asked,
    answer: (answer) =>
      void (answer.headers = answer.headers.map((value) =>
        value.replace('urn:microsoft.rtc:windows,', ''),
      )),
  },
  {
    ...{ name: 'keeps a sign-in on the connection', check: 'sign-in.connection' },
    seen: /status 200 without a credential/,
    request: keepSignIn(),
  },
];

function keepSignIn(): NonNullable<Flip['request']> {
  const signedIn = new WeakMap<object, string>();
  return ({ socket, headers }) => {
    const { authorization } = headers;
    if (authorization !== undefined) signedIn.set(socket, authorization);
    else Object.assign(headers, { authorization: signedIn.get(socket) ?? '' });
    return undefined;
  };
}

function gzipOf(body: string): string {
  return gzipSync(Buffer.from(body, 'latin1')).toString('latin1');
}
