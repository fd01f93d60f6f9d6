/** `batching.share`: calls of a share of the users travel in batches. */
import { expect, test } from '@jest/globals';
import { askEach, readCalls, sendings } from '../support/nonce-calls.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { app, UcwaClient } from '../support/ucwa-client.ts';

const userHashKey = Buffer.alloc(32, 7);
const users = Array.from({ length: 24 }, (_, i) => `user${i}`);

/** Starts a proxy with the same key as all others. */
async function start(share: string) {
  const pool = await startPool();
  const proxy = await startProxy(
    pool.url,
    {
      UCWA_PROXY_BATCHING_MODE: 'fixed',
      // Two calls fill a batch, so none waits for the end of its hold.
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
      UCWA_PROXY_BATCHING_MAX_PARTS: '2',
      UCWA_PROXY_BATCHING_SHARE: share,
    },
    { userHashKey },
  );
  const client = new UcwaClient(proxy.url);
  let rounds = 0;
  return {
    /** Sends two calls of each user, and returns the users who had both in one batch. */
    async batchedUsers(): Promise<readonly string[]> {
      rounds += 1;
      const sizes = await Promise.all(
        users.map(async (user, i) => {
          const calls = readCalls(2, `-${user}-${rounds}-`, `${app}${i}`);
          const answered = await askEach(client, calls, { token: `cwt=sim-${user}` });
          expect(answered.map(({ answer }) => answer.status)).toEqual([200, 200]);
          // On a slow machine the proxy can ask for a GET once more.
          const [one, other] = calls.map(({ nonce }) => sendings(pool, nonce)[0]?.parts);
          expect(other).toBe(one);
          return one;
        }),
      );
      return users.filter((_, i) => sizes[i] === 2);
    },
    change(next: number): void {
      const { settings } = proxy;
      const { current } = settings;
      const batching = { ...current.batching, share: next };
      settings.reload({ ...current, batching }, new Map());
    },
  };
}

test('some users have all their calls in batches, the others none; a larger share keeps the batched users', async () => {
  const proxy = await start('0.3');
  const few = await proxy.batchedUsers();
  expect(few.length).toBeGreaterThan(0);
  expect(few.length).toBeLessThan(users.length);
  expect(await proxy.batchedUsers()).toEqual(few);

  proxy.change(0.7);
  const many = await proxy.batchedUsers();
  expect(many).toEqual(expect.arrayContaining([...few]));
  expect(many.length).toBeGreaterThan(few.length);
  expect(many.length).toBeLessThan(users.length);

  proxy.change(1);
  expect(await proxy.batchedUsers()).toEqual(users);
  proxy.change(0);
  expect(await proxy.batchedUsers()).toEqual([]);
});

test('proxies with the same key batch the same users', async () => {
  const [one, other] = await Promise.all([start('0.5'), start('0.5')]);
  const batched = await one.batchedUsers();
  expect(batched.length).toBeGreaterThan(0);
  expect(await other.batchedUsers()).toEqual(batched);
});
