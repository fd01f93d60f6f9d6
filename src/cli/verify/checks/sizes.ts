/** Checks of the largest batch, and of the limit on outstanding calls. */
import { headerValue } from '../../../core/messages/http-message.ts';
import type { Part } from '../batch.ts';
import { asBelieved, type Check, different, type Finding, notKnown } from '../check.ts';
import { linkOf } from '../json.ts';
import type { PoolAnswer } from '../pool-session.ts';
import type { World } from '../world.ts';

/** The default of `batching.maxParts`, and smaller numbers. */
const partCounts = [20, 10, 5, 2] as const;
/** The default of `batching.maxBytes`, and smaller sizes. */
const byteCounts = [262_144, 65_536, 16_384, 4096] as const;
const padding = ['X-Ucwa-Batch-Proxy-Verify', 'x'.repeat(971)];
const paddingBytes = 1000;

/** The largest batch of `--find-limit`. */
const mostParts = 400;
const mostWaitMs = 5000;

export const sizeChecks: readonly Check[] = [
  {
    id: 'size.parts',
    asks: `Does the pool accept a batch of ${partCounts[0]} parts?`,
    believes: 'it does',
    needsBatches: true,
    async run(world) {
      let refusal = '';
      for (const count of partCounts) {
        const answer = await batchOfMe(world, count);
        if (answer.boundary !== undefined && answer.parts.length === count) {
          world.maxParts = count;
          const settings = { 'batching.maxParts': count };
          if (count === partCounts[0]) return asBelieved(`${count} parts`, { settings });
          return different(
            `${count} parts; larger batches get ${refusal}`,
            'Batches must be smaller than by default.',
            settings,
          );
        }
        refusal = `status ${answer.envelope.status}`;
      }
      return different(`not even ${partCounts.at(-1) ?? 2} parts`, 'Batches are of no use.', {
        'batching.mode': 'off',
      });
    },
  },
  {
    id: 'size.bytes',
    asks: `Does the pool accept a batch of ${byteCounts[0]} bytes?`,
    believes: 'it does',
    needsBatches: true,
    async run(world) {
      let refusal = '';
      for (const bytes of byteCounts) {
        const answer = await world.batch(largeParts(world, bytes));
        if (answer.boundary !== undefined) {
          const settings = { 'batching.maxBytes': bytes };
          if (bytes === byteCounts[0]) return asBelieved(`${bytes} bytes`, { settings });
          return different(
            `${bytes} bytes; larger batches get ${refusal}`,
            'Batches must be smaller than by default.',
            settings,
          );
        }
        refusal = `status ${answer.envelope.status}`;
      }
      return notKnown(`the pool refuses long fields in parts (${refusal})`);
    },
  },
  {
    id: 'limit.calls',
    asks: 'How many calls of one user may be outstanding?',
    believes: '100 at the time of this run; the proxy learns the limit by itself',
    needs: 'find-limit',
    needsBatches: true,
    run: findLimit,
  },
  {
    id: 'limit.retry-after',
    asks: 'Does a 429 say when to come again?',
    believes: 'either; the proxy waits by itself if it does not',
    needs: 'find-limit',
    needsBatches: true,
    async run(world) {
      if (world.limit === undefined) return notKnown('no 429 was provoked');
      const { envelope } = await batchOfMe(world, world.limit + 1);
      if (envelope.status !== 429) return notKnown('the limit has changed');
      const field = headerValue(envelope.headers, 'retry-after');
      await pauseAfter(world, envelope);
      if (field === undefined) return asBelieved('no Retry-After');
      return asBelieved(
        /^\s*\d+(?:\.\d+)?\s*$/.test(field) ? `Retry-After: ${field.trim()}` : 'a Retry-After',
      );
    },
  },
  {
    id: 'limit.poll',
    asks: 'Does an open poll of events count as an outstanding call?',
    believes: 'either; the proxy counts it unless this check proves otherwise',
    needs: 'find-limit',
    needsBatches: true,
    run: pollCounts,
  },
];

/** Returns parts with about this number of bytes, in fields that no server knows. */
function largeParts(world: World, bytes: number): Part[] {
  const lines = Math.floor(bytes / paddingBytes) - 1;
  return Array.from({ length: world.maxParts }, (_, i) => ({
    target: world.target('me'),
    headers: Array.from({ length: Math.ceil((lines - i) / world.maxParts) }, () => padding).flat(),
  }));
}

function batchOfMe(world: World, count: number) {
  return world.batchOf(Array.from({ length: count }, () => 'me'));
}

/** Waits as a 429 demands, for at most 5 s. */
async function pauseAfter(world: World, { headers }: PoolAnswer): Promise<void> {
  const seconds = Number(headerValue(headers, 'retry-after') ?? 0);
  if (seconds > 0) await world.with.wait(Math.min(seconds * 1000, mostWaitMs));
}

async function findLimit(world: World): Promise<Finding> {
  let accepted = world.maxParts;
  let refused: number | undefined;
  while (refused === undefined || refused - accepted > 1) {
    const count: number =
      refused === undefined
        ? Math.min(accepted * 2, mostParts)
        : Math.floor((accepted + refused) / 2);
    const { envelope, boundary } = await batchOfMe(world, count);
    if (envelope.status === 429) {
      refused = count;
      await pauseAfter(world, envelope);
    } else if (boundary === undefined) {
      return notKnown(`${count} parts get status ${envelope.status}, which is no 429`);
    } else {
      accepted = count;
      if (count === mostParts) break;
    }
  }
  if (refused === undefined) return different(`more than ${mostParts}`, 'No setting is needed.');
  world.limit = accepted;
  const settings = accepted < partCounts[0] ? { settings: { 'batching.maxParts': accepted } } : {};
  return accepted === 100
    ? asBelieved('100')
    : { ...different(String(accepted), 'The proxy learns this limit from each 429.'), ...settings };
}

/** Fills the limit while a poll is open. Only a poll of an application of this run disturbs no client. */
async function pollCounts(world: World): Promise<Finding> {
  const { limit } = world;
  const { ownsApplication, applicationPath, pool } = world.with;
  if (limit === undefined) return notKnown('no limit was found');
  if (!ownsApplication) {
    return notKnown('a poll would disturb the client of the application; give no --application');
  }
  const application = await world.session.ask({ target: applicationPath });
  const target = linkOf(application.body, 'events', pool.origin);
  if (target === undefined) return notKnown('the application has no events');
  const poll = world.session.open({ target });
  const ended = new AbortController();
  poll.answer.finally(() => ended.abort()).catch(() => undefined);
  try {
    // Each answer shows that the pool reads what was sent before it.
    do await world.session.ask({ target: world.target('me') });
    while (!poll.exchange.started);
    await world.session.ask({ target: world.target('me') });
    const { envelope } = await batchOfMe(world, limit);
    if (ended.signal.aborted) return notKnown('the poll was answered at once');
    const counts = envelope.status === 429;
    if (counts) await pauseAfter(world, envelope);
    return asBelieved(counts ? 'it counts' : 'it does not count', {
      settings: { 'limits.longPollCounts': counts },
    });
  } finally {
    poll.exchange.abort();
  }
}
