/** Checks of further forms of batches: those of clients, and those that the proxy never sends. */
import { asBelieved, type Check, different, type Finding, notKnown } from '../check.ts';
import { linkOf } from '../json.ts';
import type { World } from '../world.ts';
import { wholeAnswer } from './batches.ts';
import { statusOf } from './answers.ts';
import type { BatchAnswer } from '../batch.ts';

const forClients =
  'Batches that clients build in this form fail with and without the proxy, which passes them through.';

function accepted(answer: BatchAnswer): Finding {
  return answer.boundary === undefined
    ? different(wholeAnswer(answer), forClients)
    : asBelieved('accepted');
}

/** Describes the result of a batch with an odd second part. */
function ofOddPart(answer: BatchAnswer): string {
  if (answer.boundary === undefined) return `the whole batch gets ${wholeAnswer(answer)}`;
  const first = statusOf(answer);
  const status = statusOf(answer, 1);
  const what = status === 0 ? 'no answer that can be read' : String(status);
  return `the part gets ${what}, and its neighbor ${first}`;
}

const marker = 'ucwa-batch-proxy-verify-marker';

export const formChecks: readonly Check[] = [
  {
    id: 'form.single',
    asks: 'Is a batch with one part accepted?',
    believes: 'it is; the proxy sends a lone call as itself',
    needsBatches: true,
    run: async (world) => accepted(await world.batchOf(['me'])),
  },
  {
    id: 'form.quoted',
    asks: 'Is a quoted boundary accepted?',
    believes: 'it is; the proxy sends it without quotes',
    needsBatches: true,
    run: async (world) => accepted(await world.batchOf(['me', 'me'], { quotesBoundary: true })),
  },
  {
    id: 'form.preamble',
    asks: 'Is a batch without an empty line before its first delimiter accepted?',
    believes: 'it is; the proxy sends the line',
    needsBatches: true,
    run: async (world) =>
      accepted(await world.batchOf(['me', 'me'], { edit: (body) => body.subarray(2) })),
  },
  {
    id: 'form.malformed-part',
    asks: 'Which calls fail if one part is no HTTP?',
    believes: 'either that part or the whole batch; the proxy sends no such part',
    needsBatches: true,
    async run(world) {
      const answer = await world.batchOf(['me', marker], {
        edit: (body) =>
          Buffer.from(
            body.toString('latin1').replace(/^GET \S*verify-marker HTTP\/1\.1/m, 'no HTTP'),
            'latin1',
          ),
      });
      return asBelieved(ofOddPart(answer));
    },
  },
  {
    id: 'form.photo-part',
    asks: 'What becomes of a photo in a batch?',
    believes: 'any answer; the proxy never batches photos',
    needsBatches: true,
    async run(world) {
      const photo = linkOf((await world.direct('me')).body, 'photo', world.with.pool.origin);
      if (photo === undefined) return notKnown('the user has no link to a photo');
      const answer = await world.batch([{ target: world.target('me') }, { target: photo }]);
      return asBelieved(ofOddPart(answer));
    },
  },
  {
    id: 'form.other-application',
    asks: 'Does a batch reach another application?',
    believes: 'no; the proxy batches the calls of one application only',
    needsBatches: true,
    async run(world) {
      const target = world.with.applicationPath.replace(/[^/]*$/, '1');
      const answer = await world.batch([
        { target: world.target('me') },
        { target: `${target}/me` },
      ]);
      const isReached = answer.boundary !== undefined && statusOf(answer, 1) < 300;
      return isReached && statusOf(answer, 1) !== 0
        ? different(ofOddPart(answer), 'The proxy does not use it. Tell the owner of the pool.')
        : asBelieved(ofOddPart(answer));
    },
  },
  {
    id: 'form.part-host',
    asks: 'Does the pool answer a part that names another host than its batch?',
    believes: 'either; the proxy sends the same name in both',
    needsBatches: true,
    async run(world) {
      const host = 'ucwa-batch-proxy-verify.invalid';
      const answer = await world.batchOf(['me', 'me'], {
        edit: (body) => {
          const text = body.toString('latin1');
          const from = text.lastIndexOf('\r\nHost: ') + '\r\nHost: '.length;
          return Buffer.from(text.slice(0, from) + host + text.slice(text.indexOf('\r\n', from)));
        },
      });
      return asBelieved(ofOddPart(answer));
    },
  },
  {
    id: 'form.unsigned',
    asks: 'How does the pool answer a batch without a credential?',
    believes: '401 for the whole batch',
    needsBatches: true,
    run: unsigned,
  },
];

async function unsigned(world: World): Promise<Finding> {
  const answer = await world.batchOf(['me', 'me'], { isSigned: false });
  if (answer.envelope.status === 401) return asBelieved('401 for the whole batch');
  const statuses = answer.parts.map((_, i) => statusOf(answer, i));
  return statuses.some((status) => status > 0 && status < 300)
    ? different(
        'the parts are answered',
        'The pool serves batches without a credential. Do not use the proxy with this pool.',
        { 'batching.mode': 'off' },
      )
    : different(
        answer.boundary === undefined ? wholeAnswer(answer) : 'each part is refused',
        'Clients may not see that they have to sign in again.',
      );
}
