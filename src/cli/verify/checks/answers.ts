/** Checks of the answers in parts: whether a caller would see a difference. */
import { headerValue } from '../../../core/messages/http-message.ts';
import { MultipartParser } from '../../../core/wire/multipart-parser.ts';
import { asBelieved, type Check, different, type Finding, notKnown } from '../check.ts';
import { byteOrderMark, type Comparison, type World } from '../world.ts';
import type { BatchAnswer } from '../batch.ts';

const minVersion = 'X-MS-RequiresMinResourceVersion';
const highVersion = '99';

function never(comparisons: readonly Comparison[]): string[] {
  return comparisons.map(({ path }) => path);
}

/** Returns the status of the part, or 0 if there is none. */
export function statusOf({ parts }: BatchAnswer, index = 0): number {
  const part = parts[index];
  return part?.kind === 'response' ? part.status : 0;
}

export const answerChecks: readonly Check[] = [
  {
    id: 'answers.same',
    asks: 'Does each read get the same answer in a batch and directly?',
    believes: 'the same status, media type and body',
    needsBatches: true,
    async run(world) {
      const all = await world.compare();
      const wrong = all.filter(
        ({ difference }) =>
          difference !== undefined && difference !== 'ETag' && difference !== 'Location',
      );
      if (wrong.length === 0) return asBelieved(`${all.length} reads, all with the same answer`);
      const list = wrong.map(({ path, difference }) => `${path} (${difference ?? ''})`).join(', ');
      return different(
        `${wrong.length} of ${all.length} reads differ: ${list}`,
        'Calls to these resources travel by themselves.',
        { 'batching.never': never(wrong) },
      );
    },
  },
  {
    id: 'answers.fields',
    asks: 'Do parts carry the ETag and the Location of direct answers?',
    believes: 'they do',
    needsBatches: true,
    async run(world) {
      const all = await world.compare();
      const wrong = all.filter(
        ({ difference }) => difference === 'ETag' || difference === 'Location',
      );
      if (wrong.length > 0) {
        const list = wrong
          .map(({ path, difference }) => `${path} (${difference ?? ''})`)
          .join(', ');
        return different(
          `missing in parts: ${list}`,
          'A client needs the ETag for a PUT. Calls to these resources travel by themselves.',
          { 'batching.never': never(wrong) },
        );
      }
      const tagged = all.filter(({ hasEtag }) => hasEtag).length;
      return tagged === 0
        ? notKnown('no direct answer has one')
        : asBelieved(`ETag in ${tagged} parts, as in the direct answers`);
    },
  },
  {
    id: 'answers.conditional',
    asks: 'Does a part with If-None-Match get 304?',
    believes: 'as a direct call does',
    needsBatches: true,
    run: conditional,
  },
  {
    id: 'answers.version',
    asks: `Does the pool read ${minVersion} in a part?`,
    believes: 'in the part or in the envelope; the proxy sends it in both',
    needsBatches: true,
    run: versions,
  },
  {
    id: 'answers.cookie',
    asks: 'Does a part carry the cookie that a direct GET of the application sets?',
    believes: 'either; the proxy never batches this GET',
    needsBatches: true,
    async run(world) {
      const target = world.with.applicationPath;
      const direct = await world.session.ask({ target });
      if (headerValue(direct.headers, 'set-cookie') === undefined) {
        return notKnown('a direct answer sets no cookie');
      }
      const { parts } = await world.batch([{ target }]);
      const [part] = parts;
      const isSet =
        part?.kind === 'response' && headerValue(part.headers, 'set-cookie') !== undefined;
      return asBelieved(isSet ? 'the part sets it' : 'the part does not set it');
    },
  },
  {
    id: 'answers.mark',
    asks: 'Do bodies in parts begin with a byte order mark?',
    believes: 'at most one; the proxy removes it',
    needsBatches: true,
    async run(world) {
      const { answer } = await world.survey();
      const bodies = answer.parts.flatMap((part) => (part.kind === 'response' ? [part.body] : []));
      const isMarked = (body: Buffer) => body.subarray(0, 3).equals(byteOrderMark);
      const marked = bodies.filter(isMarked);
      const twice = marked.filter((body) => isMarked(body.subarray(3))).length;
      return twice > 0
        ? different(`${twice} parts have two`, 'Some clients cannot read these bodies.')
        : asBelieved(
            marked.length === 0 ? 'none' : `one in ${marked.length} of ${bodies.length} parts`,
          );
    },
  },
  {
    id: 'answers.coding',
    asks: 'Is the answer to a batch coded, if the proxy accepts gzip?',
    believes: 'gzip, deflate or none',
    needsBatches: true,
    async run(world) {
      const { answer } = await world.survey();
      const coding = headerValue(answer.envelope.headers, 'content-encoding')?.toLowerCase();
      return asBelieved(coding === undefined || coding === 'identity' ? 'none' : coding);
    },
  },
  {
    id: 'answers.streaming',
    asks: 'Does a part arrive before the pool has finished the later parts?',
    believes: 'either; the proxy releases early parts if they come early',
    needsBatches: true,
    async run(world) {
      const answer = await world.batchOf(['me', 'people/search?query=a&limit=1'], {
        acceptsGzip: false,
      });
      const leadMs = leadOf(answer);
      if (leadMs === undefined) return notKnown('the answer has no two parts');
      return asBelieved(leadMs >= leastLeadMs ? 'parts come early' : 'the answer comes whole');
    },
  },
];

const leastLeadMs = 5;

/** Returns the time between the end of the first part and the end of the answer, in ms. */
export function leadOf({
  envelope,
  boundary,
}: Pick<BatchAnswer, 'envelope' | 'boundary'>): number | undefined {
  if (boundary === undefined) return undefined;
  const parser = new MultipartParser(boundary, { maxParts: 2, maxPreambleBytes: 4096 });
  let firstAtMs: number | undefined;
  for (const { bytes, atMs } of envelope.pieces) {
    parser.push(bytes);
    if (parser.parts.length > 0) firstAtMs ??= atMs;
  }
  parser.finish();
  const last = envelope.pieces.at(-1);
  if (firstAtMs === undefined || last === undefined || parser.parts.length < 2) return undefined;
  return last.atMs - firstAtMs;
}

async function conditional(world: World): Promise<Finding> {
  const tagged = (await world.compare()).find(
    ({ hasEtag, difference }) => hasEtag && difference === undefined,
  );
  if (tagged === undefined) return notKnown('no direct answer has an ETag');
  const target = world.target(tagged.path);
  const etag = headerValue((await world.session.ask({ target })).headers, 'etag') ?? '';
  const headers = ['If-None-Match', etag];
  const direct = await world.session.ask({ target, headers });
  if (direct.status !== 304) return notKnown(`a direct call gets ${direct.status}`);
  const status = statusOf(await world.batch([{ target, headers }]));
  return status === 304
    ? asBelieved('304')
    : different(
        `status ${status}`,
        'Callers load unchanged resources again. No setting is needed if the status is 200.',
      );
}

async function versions(world: World): Promise<Finding> {
  const target = world.target('me');
  const headers = [minVersion, highVersion];
  const direct = await world.session.ask({ target, headers });
  if (direct.status < 400) return notKnown('the pool does not refuse an unknown version');
  const inPart = statusOf(await world.batch([{ target, headers }]));
  if (inPart === direct.status) return asBelieved('in the part');
  const inEnvelope = statusOf(await world.batch([{ target }], { headers }));
  return inEnvelope === direct.status
    ? asBelieved('in the envelope')
    : different(
        'in neither',
        `Calls with this field get another version in a batch. No setting selects them: their clients must send X-Ucwa-Batch: never.`,
      );
}
