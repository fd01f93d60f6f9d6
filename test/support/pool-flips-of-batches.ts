/** Flips of batches: of their acceptance, their parts, their sizes and their forms. */
import type { Flip } from './flipped-pool.ts';
import { always, asked, count, decisive, type NamedFlip, refusing } from './pool-flips.ts';

const mark = '\xef\xbb\xbf';

export const batchFlips: readonly NamedFlip[] = [
  {
    ...{ name: 'has its batch resource elsewhere', check: 'batch.link', seen: /elsewhere/ },
    answer: (answer, { method }) => {
      if (method === 'GET') answer.body = answer.body.replace(/\/batch"/, '/multi"');
    },
  },
  {
    ...{ name: 'has no batches', check: 'batch.accepted', seen: /status 404/ },
    ...refusing(() => true, 404),
  },
  {
    ...{ name: 'answers a batch with a page', check: 'batch.accepted', seen: /another media type/ },
    ...always('batch', { kind: 'html' }),
  },
  {
    ...{ name: 'names no boundary', check: 'batch.accepted', seen: /without a boundary/ },
    ...always('batch', { kind: 'noBoundary' }),
  },
  {
    ...{ name: 'codes batches in another way', check: 'batch.accepted', seen: /not asked for/ },
    answer: (answer, { isBatch }) => {
      if (isBatch) answer.headers.push('Content-Encoding', 'br');
    },
  },
  {
    ...{ name: 'leaves a part out', check: 'batch.count', seen: /4 parts for 5 calls/ },
    ...always('batch', { kind: 'fewerParts', count: 1 }),
  },
  {
    ...{ name: 'repeats a part', check: 'batch.count', seen: /more than 5 parts for 5 calls/ },
    ...always('batch', { kind: 'moreParts', count: 1 }),
  },
  {
    ...{ name: 'builds a part badly', check: 'batch.framing', seen: /1 of 5 parts .*status_line/ },
    ...always('batch', { kind: 'malformedPart', index: 0 }),
  },
  {
    ...{ name: 'omits the last delimiter', check: 'batch.framing', seen: /delimiter is missing/ },
    ...always('batch', { kind: 'noCloseDelimiter' }),
  },
  {
    ...{ name: 'omits the last dashes', check: 'batch.framing', seen: /no dashes/ },
    ...always('batch', { kind: 'noCloseDelimiter', bare: true }),
  },
  {
    ...{ name: 'ends lines with LF', check: 'batch.framing', seen: /5 of 5 parts .*header/ },
    ...always('batch', { kind: 'bareLf' }),
  },
  {
    ...{ name: 'answers in another order', check: 'batch.order', seen: /3 of 5 parts/ },
    ...decisive['batching.mode'],
  },
  {
    ...{ name: 'fails all parts for one', check: 'batch.bad-part', seen: /4 of 4 others fail/ },
    answer: (answer, { isBatch, body }) => {
      if (!isBatch || !body.includes('ucwa-batch-proxy-verify HTTP')) return;
      answer.body = answer.body.replaceAll('HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found');
    },
  },
  {
    ...{ name: 'fails the batch for one part', check: 'batch.bad-part', seen: /status 404/ },
    ...refusing((body) => body.includes('ucwa-batch-proxy-verify HTTP'), 404),
  },
  {
    ...{ name: 'takes few parts', check: 'size.parts', seen: /^5 parts; .*status 400/ },
    ...decisive['batching.maxParts'],
  },
  {
    ...{ name: 'takes small batches', check: 'size.bytes', seen: /^16384 bytes; .*status 413/ },
    ...decisive['batching.maxBytes'],
  },
  {
    ...{ name: 'fails one resource in batches', check: 'answers.same' },
    seen: /1 of 12 reads differ: me\/presence \(status\)/,
    ...decisive['batching.never'],
  },
  {
    ...{ name: 'changes a body in batches', check: 'answers.same', seen: /me\/presence \(body\)/ },
    answer: (answer, { isBatch }) => {
      if (isBatch) answer.body = answer.body.replace('"availability"', '"Availability"');
    },
  },
  {
    ...{ name: 'omits the ETag in parts', check: 'answers.fields', seen: /Settings \(ETag\)/ },
    answer: (answer, { isBatch }) => {
      if (isBatch) answer.body = answer.body.replace(/^ETag:.*\r\n/gim, '');
    },
  },
  {
    ...{ name: 'ignores conditions in parts', check: 'answers.conditional', seen: /status 200/ },
    request: (request) => {
      if (request.isBatch) request.body = request.body.replace(/^If-None-Match:.*\r\n/gim, '');
      return undefined;
    },
  },
  {
    ...{ name: 'reads the version in the envelope', check: 'answers.version' },
    ...{ seen: /in the envelope/, ...asked },
    request: versions(true),
  },
  {
    ...{ name: 'reads no version', check: 'answers.version', seen: /in neither/ },
    request: versions(false),
  },
  {
    ...{ name: 'sets no cookie in parts', check: 'answers.cookie', seen: /does not set it/ },
    ...asked,
    answer: (answer, { isBatch }) => {
      if (isBatch) answer.body = answer.body.replace(/^Set-Cookie:.*\r\n/gim, '');
    },
  },
  {
    ...{ name: 'sends no byte order mark', check: 'answers.mark', seen: /^none$/, ...asked },
    answer: (answer) => void (answer.body = answer.body.replaceAll(mark, '')),
  },
  {
    ...{ name: 'sends two byte order marks', check: 'answers.mark', seen: /1 parts have two/ },
    answer: (answer) => void (answer.body = answer.body.replaceAll(mark, mark + mark)),
  },
  {
    ...{ name: 'codes no batch', check: 'answers.coding', seen: /^none$/, ...asked },
    options: { compress: false },
  },
  {
    ...{ name: 'refuses a single part', check: 'form.single', seen: /status 400/ },
    ...refusing((body) => count(body) === 1),
  },
  {
    ...{ name: 'refuses a quoted boundary', check: 'form.quoted', seen: /status 415/ },
    ...refusing((_, contentType) => contentType.includes('"'), 415),
  },
  {
    ...{ name: 'needs the empty line', check: 'form.preamble', seen: /status 400/ },
    ...refusing((body) => !body.startsWith('\r\n')),
  },
  {
    ...{ name: 'isolates a part that is no HTTP', check: 'form.malformed-part' },
    ...{ seen: /the part gets 404, and its neighbor 200/, ...asked },
    request: (request) => {
      request.body = request.body.replace(/^no HTTP\r$/m, 'GET /ucwa/none HTTP/1.1\r');
      request.body = request.body.replace('/ucwa/none', `${request.target.slice(0, -6)}/none`);
      return undefined;
    },
  },
  {
    ...{ name: 'refuses batches with photos', check: 'form.photo-part' },
    ...{ seen: /the whole batch gets status 403/, ...asked },
    ...refusing((body) => body.includes('/photos/'), 403),
  },
  {
    ...{ name: 'reaches other applications', check: 'form.other-application' },
    seen: /the part gets 200/,
    request: (request) => {
      request.body = request.body.replace('applications/1/me', 'applications/1045/me');
      return undefined;
    },
  },
  {
    ...{ name: 'refuses other names in parts', check: 'form.part-host' },
    ...{ seen: /the part gets 403, and its neighbor 200/, ...asked },
    options: { strictPartHosts: true },
  },
  {
    ...{ name: 'serves unsigned batches', check: 'form.unsigned', seen: /parts are answered/ },
    request: ({ isBatch, headers }) => {
      if (isBatch) Object.assign(headers, { authorization: 'Bearer cwt=sim-ann' });
      return undefined;
    },
  },
  {
    ...{ name: 'loses writes in batches', check: 'write.note', seen: /not set; it was put back/ },
    ...{ allowed: ['write'], ...always('part', { kind: 'status', status: 500 }, /note$/) },
  },
  {
    ...{ name: 'does not name what was created', check: 'write.created', seen: /without a link/ },
    allowed: ['write'],
    answer: (answer, { isBatch }) => {
      if (isBatch) answer.body = answer.body.replaceAll('"href"', '"address"');
    },
  },
  {
    ...{ name: 'has another limit', check: 'limit.calls', seen: /^33$/, allowed: ['find-limit'] },
    options: { limit: 33 },
  },
  {
    ...{ name: 'says when to come again', check: 'limit.retry-after', seen: /Retry-After: 0.01/ },
    ...{ allowed: ['find-limit'], ...asked, options: { limit: 25 } },
    answer: (answer) => {
      if (answer.status === 429) answer.headers.push('Retry-After', '0.01');
    },
  },
  {
    ...{ name: 'counts polls', check: 'limit.poll', seen: /^it counts$/, ...asked },
    ...{ allowed: ['write', 'find-limit'], createsApplication: true },
    options: { longPollCounts: true, limit: 25 },
  },
];

/** Removes the version from parts. With `movesIt`, parts get the version of their envelope. */
function versions(movesIt: boolean): NonNullable<Flip['request']> {
  const name = 'x-ms-requiresminresourceversion';
  return (request) => {
    if (!request.isBatch) return undefined;
    const version = request.headers[name];
    request.body = request.body.replace(/^X-MS-RequiresMinResourceVersion:.*\r\n/gim, '');
    if (movesIt && version !== undefined) {
      request.body = request.body.replace(/^Host:/gim, `${name}: ${String(version)}\r\nHost:`);
    }
    return undefined;
  };
}
