/** Checks without which calls must not be batched: acceptance, number, order and independence of parts. */
import { headerValue } from '../../../core/messages/http-message.ts';
import type { BatchAnswer } from '../batch.ts';
import { asBelieved, type Check, different, type Finding, notKnown, unbatched } from '../check.ts';
import { linkOf } from '../json.ts';
import { misplaced, missingPath, type World } from '../world.ts';

const proved = { 'batching.mode': 'adaptive' } as const;

/** Runs a check that only batches with readable parts can answer. */
async function ofSurvey(
  world: World,
  judge: (survey: Awaited<ReturnType<World['survey']>>) => Finding,
): Promise<Finding> {
  const survey = await world.survey();
  const { boundary, envelope } = survey.answer;
  if (boundary === undefined) {
    world.hasBatches = false;
    return different(
      `a batch with a missing resource among its parts gets ${wholeAnswer(survey.answer)}`,
      envelope.status === 429
        ? 'The limit of the user is reached. Run the command again when the user is idle.'
        : 'One call would fail the calls of other callers.',
      envelope.status === 429 ? undefined : unbatched,
    );
  }
  const finding = judge(survey);
  if (finding.settings?.['batching.mode'] === 'off') world.hasBatches = false;
  return finding;
}

/** Describes an answer without parts that the proxy can read. */
export function wholeAnswer({ envelope: { status, headers } }: BatchAnswer): string {
  if (status !== 200) return `status ${status}`;
  const type = headerValue(headers, 'content-type') ?? '';
  if (!/^multipart\/batching/i.test(type)) return 'status 200 with another media type';
  const coding = headerValue(headers, 'content-encoding') ?? '';
  return /^(?:|identity|x-gzip|gzip|deflate)$/i.test(coding)
    ? 'status 200 without a boundary'
    : 'status 200 with a coding that was not asked for';
}

export const batchChecks: readonly Check[] = [
  {
    id: 'batch.link',
    asks: 'Where is the batch resource of the application?',
    believes: 'below the application, at /batch',
    async run({ session, with: { applicationPath, pool } }) {
      const { status, body } = await session.ask({ target: applicationPath });
      const target = linkOf(body, 'batch', pool.origin);
      if (target === undefined) return notKnown(`the application has no such link (${status})`);
      return target.toLowerCase() === `${applicationPath}/batch`.toLowerCase()
        ? asBelieved('at /batch')
        : different('elsewhere', 'The proxy sends batches to /batch below the application.');
    },
  },
  {
    id: 'batch.accepted',
    asks: 'Does the pool answer a batch of two reads, in the form that the proxy sends?',
    believes: '200 with multipart/batching and a part for each call',
    async run(world) {
      const answer = await world.batchOf(['me', 'me']);
      if (answer.boundary === undefined) {
        const isRefused = answer.envelope.status === 429;
        return different(
          wholeAnswer(answer),
          isRefused
            ? 'The limit of the user is reached. Run the command again when the user is idle.'
            : 'The pool has no batches that the proxy can use. Each call travels by itself.',
          isRefused ? undefined : unbatched,
        );
      }
      world.hasBatches = true;
      return asBelieved(`200 with ${answer.parts.length} parts`, { settings: proved });
    },
  },
  {
    id: 'batch.count',
    asks: 'Has the answer as many parts as the batch?',
    believes: 'one part for each call',
    needsBatches: true,
    run: (world) =>
      ofSurvey(world, ({ paths, answer: { parts, ending } }) => {
        const seen = `${ending === 'overflow' ? `more than ${paths.length}` : parts.length} parts for ${paths.length} calls`;
        return parts.length === paths.length && ending !== 'overflow'
          ? asBelieved(seen)
          : different(seen, 'Answers cannot be paired with calls.', unbatched);
      }),
  },
  {
    id: 'batch.framing',
    asks: 'Can the proxy read the form of the answer?',
    believes: 'delimiters that end with CRLF, a close delimiter, and HTTP in each part',
    needsBatches: true,
    run: (world) => ofSurvey(world, ({ answer }) => framing(answer)),
  },
  {
    id: 'batch.order',
    asks: 'Do the parts have the order of the calls?',
    believes: 'they do',
    needsBatches: true,
    run: (world) =>
      ofSurvey(world, (survey) => {
        const wrong = misplaced(survey, world);
        return wrong === 0
          ? asBelieved(`${survey.paths.length} different parts, all in order`)
          : different(
              `${wrong} of ${survey.paths.length} parts answer another call`,
              'Callers would get answers to other calls.',
              unbatched,
            );
      }),
  },
  {
    id: 'batch.bad-part',
    asks: 'Does a part for a missing resource fail alone?',
    believes: 'it gets 404, and the other parts their answers',
    needsBatches: true,
    run: (world) =>
      ofSurvey(world, ({ paths, answer: { parts } }) => {
        const failed = paths.filter((path, i) => {
          const part = parts[i];
          return path !== missingPath && part?.kind === 'response' && part.status >= 400;
        }).length;
        const part = parts[paths.indexOf(missingPath)];
        const own = part?.kind === 'response' ? String(part.status) : 'no answer';
        return failed === 0
          ? asBelieved(`it gets ${own}, and the ${paths.length - 1} others succeed`)
          : different(
              `it gets ${own}, and ${failed} of ${paths.length - 1} others fail`,
              'One call would fail the calls of other callers.',
              unbatched,
            );
      }),
  },
];

function framing({ parts, ending }: BatchAnswer): Finding {
  const malformed = parts.flatMap((part) => (part.kind === 'malformed' ? [part.why] : []));
  const [why] = malformed;
  if (why !== undefined) {
    return different(
      `${malformed.length} of ${parts.length} parts cannot be read (${why})`,
      'Their calls would be sent twice, or fail.',
      unbatched,
    );
  }
  if (ending === 'open' || ending === 'no-delimiter') {
    return different(
      'the last delimiter is missing',
      'The last call of each batch would be sent twice, or fail.',
      unbatched,
    );
  }
  if (ending === 'bare') {
    return different(
      'the last delimiter has no dashes',
      'The proxy reads this form. No setting is needed.',
    );
  }
  return asBelieved('CRLF, and a close delimiter');
}
