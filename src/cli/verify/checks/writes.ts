/** Checks that write, and put back what they wrote. */
import { headerValue } from '../../../core/messages/http-message.ts';
import { asBelieved, type Check, different, type Finding, notKnown } from '../check.ts';
import { jsonOf, ownTarget } from '../json.ts';
import type { PoolAnswer } from '../pool-session.ts';
import type { World } from '../world.ts';
import { statusOf } from './answers.ts';

const json = ['Content-Type', 'application/json'];

export const writeChecks: readonly Check[] = [
  {
    id: 'write.note',
    asks: 'Does a POST in a batch set the note of the user?',
    believes: 'it does, and a direct GET shows the note',
    needs: 'write',
    needsBatches: true,
    run: note,
  },
  {
    id: 'write.created',
    asks: 'Does a POST in a batch that creates a resource name it?',
    believes: '201, with a link to the resource or a Location',
    needs: 'write',
    needsBatches: true,
    run: created,
  },
];

const probe = 'verification of a proxy, will be put back';

async function note(world: World): Promise<Finding> {
  const target = world.target('me/note');
  const before = await world.session.ask({ target });
  const { message, type } = noteOf(before);
  if (before.status !== 200 || message === undefined) {
    return notKnown(`the note cannot be read (status ${before.status})`);
  }
  if (type !== undefined && type !== 'Personal') {
    return notKnown('the note is no personal note, and could not be put back');
  }
  const bodyOf = (text: string) => Buffer.from(JSON.stringify({ message: text }));
  const post = { method: 'POST', target, headers: json };
  let status: number;
  let isSet: boolean;
  try {
    const answer = await world.batch([{ ...post, body: bodyOf(probe) }]);
    status = statusOf(answer);
    isSet = noteOf(await world.session.ask({ target })).message === probe;
  } finally {
    await world.session.putBack({ ...post, body: bodyOf(message) });
  }
  const restored = noteOf(await world.session.putBack({ target })).message === message;
  if (!restored) {
    return different('the note was not put back', 'Set the note of the user again.');
  }
  const seen = `status ${status}, and the note was ${isSet ? '' : 'not '}set; it was put back`;
  return isSet && status < 300
    ? asBelieved(seen)
    : different(seen, 'Writes to the note travel by themselves.', {
        'batching.never': ['me/note'],
      });
}

function noteOf({ body }: PoolAnswer): { message?: string; type?: string } {
  const { message, type } = jsonOf(body) as { message?: unknown; type?: unknown };
  return {
    ...(typeof message === 'string' ? { message } : {}),
    ...(typeof type === 'string' ? { type } : {}),
  };
}

/** Creates a presence subscription to the user, which ends by itself, and deletes it. */
async function created(world: World): Promise<Finding> {
  const { uri } = jsonOf((await world.direct('me')).body) as { uri?: unknown };
  if (typeof uri !== 'string') return notKnown('the user has no address');
  const body = Buffer.from(JSON.stringify({ uris: [uri], duration: 11 }));
  const target = world.target('people/presenceSubscriptions');
  const answer = await world.batch([{ method: 'POST', target, headers: json, body }]);
  const [part] = answer.parts;
  if (part?.kind !== 'response') return notKnown('the batch was not answered');
  const { _links } = jsonOf(part.body) as { _links?: { self?: { href?: unknown } } };
  const href = headerValue(part.headers, 'location') ?? _links?.self?.href;
  const own = typeof href === 'string' ? ownTarget(href, world.with.pool.origin) : undefined;
  const isBelow = own?.toLowerCase().startsWith(`${target}/`.toLowerCase()) === true;
  if (own === undefined || !isBelow) {
    return part.status >= 400
      ? notKnown(`the pool refuses a subscription (status ${part.status})`)
      : different(
          `status ${part.status} without a link`,
          'Clients cannot find what they created. It ends by itself after 11 minutes.',
          { 'batching.never': ['people/presenceSubscriptions'] },
        );
  }
  const removed = await world.session.putBack({ method: 'DELETE', target: own });
  const seen = `status ${part.status} with a link; deleted with status ${removed.status}`;
  return part.status === 201
    ? asBelieved(seen)
    : different(seen, 'Clients may expect 201. The proxy relays the status.');
}
