import { beforeEach, describe, expect, test } from '@jest/globals';
import { EventChannel } from '../../../src/simulator/pool/event-channel.ts';
import { Timers } from '../../../src/simulator/pool/timers.ts';
import { eventsOf, newsIn } from '../event-text.ts';
import { bearer, json, send } from '../http-client.ts';
import { base, parked, poll, pool } from '../each-pool.ts';

beforeEach(() => send(`${pool.url}${base}`, { headers: bearer('ann') }));

const presence = {
  type: 'updated',
  rel: 'contactPresence',
  href: 'people/b@pool.example/presence',
} as const;

describe('a poll', () => {
  test('waits for an event, and links to the next poll', async () => {
    const pending = poll('ack=1');
    await parked(1);
    pool.raise('ann', presence);
    const answer = await pending;
    expect(answer.status).toBe(200);
    expect(eventsOf(answer)).toEqual({
      _links: { self: { href: `${base}/events?ack=1` }, next: { href: `${base}/events?ack=2` } },
      sender: [
        {
          rel: 'people',
          href: `${base}/people`,
          events: [
            {
              link: { rel: 'contactPresence', href: `${base}/people/b@pool.example/presence` },
              type: 'updated',
            },
          ],
        },
      ],
    });
    expect(pool.stats().parkedPolls).toBe(0);
  });

  test('gets events from before the poll', async () => {
    pool.raise('ann', presence, { ...presence, sender: { rel: 'me', href: 'me' } }, presence);
    const answer = await poll('ack=1');
    expect(eventsOf(answer).sender?.map(({ rel, events }) => [rel, events.length])).toEqual([
      ['people', 2],
      ['me', 1],
    ]);
  });

  test('with the same ack gets the same events and newer ones; with the next ack only the newer ones', async () => {
    pool.raise('ann', presence);
    const first = await poll('ack=1');
    pool.raise('ann', { ...presence, type: 'deleted' });
    expect(newsIn(await poll('ack=1'))).toEqual([
      'updated contactPresence',
      'deleted contactPresence',
    ]);
    expect(newsIn(first)).toEqual(['updated contactPresence']);
    pool.raise('ann', { ...presence, type: 'added' });
    expect(newsIn(await poll('ack=2'))).toEqual(['added contactPresence']);
  });

  test.each(['ack=3', 'ack=0', 'ack=2'])('with the wrong %s is told to resync', async (query) => {
    const answer = await poll(query);
    expect([answer.status, eventsOf(answer)]).toEqual([
      200,
      {
        _links: {
          self: { href: `${base}/events?${query}` },
          resync: { href: `${base}/events?ack=1` },
        },
      },
    ]);
  });

  test('gets 409 if another poll with the same ack replaces it', async () => {
    const earlier = poll('ack=1');
    await parked(1);
    const later = poll('ack=1');
    const conflict = await earlier;
    expect([conflict.status, json(conflict)]).toMatchObject([
      409,
      { code: 'Conflict', subcode: 'PGetReplaced' },
    ]);
    pool.raise('ann', presence);
    expect(newsIn(await later)).toEqual(['updated contactPresence']);
  });

  test('is not replaced by a poll with lower priority', async () => {
    const earlier = poll('ack=1&priority=2');
    await parked(1);
    expect((await poll('ack=1&priority=1')).status).toBe(409);
    pool.raise('ann', presence);
    expect((await earlier).status).toBe(200);
  });

  test('ends when its client disconnects, without losing events', async () => {
    const leaving = new AbortController();
    const left = poll('ack=1', leaving.signal);
    await parked(1);
    leaving.abort();
    await expect(left).rejects.toThrow();
    await parked(0);
    expect(pool.ledger.entries()).toHaveLength(1);
    pool.raise('ann', presence);
    expect(newsIn(await poll('ack=1'))).toEqual(['updated contactPresence']);
  });

  test('ends with the application', async () => {
    const pending = poll('ack=1');
    await parked(1);
    await send(`${pool.url}${base}`, { method: 'DELETE', headers: bearer('ann') });
    expect((await pending).status).toBe(404);
  });

  test('of one instance does not replace a poll of another instance, and both get all events', async () => {
    const [one, two] = [poll('ack=1&instanceId=a'), poll('ack=1&instanceId=b')];
    await parked(2);
    pool.raise('ann', presence);
    expect(eventsOf(await one)._links['next']?.href).toBe(`${base}/events?ack=2&instanceId=a`);
    expect(newsIn(await two)).toEqual(['updated contactPresence']);
  });

  test('is followed by a resync after too many unfetched events', async () => {
    for (let i = 0; i < 257; i++) pool.raise('ann', presence);
    const answer = await poll('ack=1');
    expect(newsIn(answer)).toEqual([]);
    expect(
      newsIn(
        await send(pool.url + (eventsOf(answer)._links['resync']?.href ?? ''), {
          headers: bearer('ann'),
        }),
      ),
    ).toHaveLength(1);
  });
});

describe('waiting times', () => {
  /** Returns a channel with seconds of 1 ms, and a function that measures a poll. */
  function aChannel() {
    const timers = new Timers();
    const channel = new EventChannel(timers, 1, '');
    const timed = async (query: string) => {
      const before = performance.now();
      const result = channel.poll(new URLSearchParams(query));
      const outcome = 'status' in result ? result : await result.outcome;
      const news = outcome.content.kind === 'events' ? outcome.content.events.events.length : -1;
      return { tookMs: performance.now() - before, news };
    };
    return { channel, timed };
  }

  test('a poll gets an empty answer after its timeout, which is at least 180 seconds', async () => {
    const { timed } = aChannel();
    const { tookMs, news } = await timed('ack=1&timeout=1');
    expect(news).toBe(0);
    expect(tookMs).toBeGreaterThan(170);
  });

  test('the timeout of a disconnected poll has no effect', async () => {
    const { channel, timed } = aChannel();
    const left = channel.poll(new URLSearchParams('ack=1'));
    if ('leave' in left) left.leave();
    await aChannel().timed('ack=1&timeout=200');
    const { news, tookMs } = await timed('ack=2');
    expect([news, channel.href]).toEqual([0, 'events?ack=1']);
    expect(tookMs).toBeLessThan(100);
  });

  test('events of lower priority wait as long as the client allows, at least 5 seconds', async () => {
    const { channel, timed } = aChannel();
    const { tookMs, news } = await (() => {
      const waiting = timed('ack=1&low=60&medium=1&timeout=1800');
      channel.publish({ type: 'updated', rel: 'x', href: 'x', priority: 'low' });
      return waiting;
    })();
    expect(news).toBe(1);
    expect(tookMs).toBeGreaterThan(55);
    expect(tookMs).toBeLessThan(1000);
    const next = timed('ack=2&low=1800');
    channel.publish({ type: 'updated', rel: 'x', href: 'x', priority: 'low' });
    channel.publish({ type: 'updated', rel: 'x', href: 'x', priority: 'medium' });
    const both = await next;
    expect(both.news).toBe(2);
    expect(both.tookMs).toBeLessThan(1000);
  });

  test('events of high priority are sent at once, together with waiting events', async () => {
    const { channel, timed } = aChannel();
    const waiting = timed('ack=1&low=1800');
    channel.publish({ type: 'updated', rel: 'x', href: 'x', priority: 'low' });
    channel.publish({ type: 'updated', rel: 'x', href: 'x' });
    const { tookMs, news } = await waiting;
    expect(news).toBe(2);
    expect(tookMs).toBeLessThan(1000);
  });
});
