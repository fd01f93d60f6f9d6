/** Public clients, by the calls that they send: each stays on the proxy, and gets answers and events. */
import { describe, expect, test } from '@jest/globals';
import { SimulatedUser } from '../support/simulated-user.ts';
import { HttpClient } from './http-client.ts';
import { plays } from './plays.ts';
import { ways } from './ways.ts';

describe.each(ways)('$name', ({ start }) => {
  test.each(plays)('$client signs in and works', async (play) => {
    const { pool, discovery, resolve, proxy } = await start();
    const peer = await SimulatedUser.signIn(pool.url, 'carol');
    const http = new HttpClient(resolve);
    await play.run({ http, discovery, peer });
    expect(http.eventAnswers > 0).toBe(play.hearsEvents ?? true);
    expect([...http.ports]).toEqual([proxy?.port ?? pool.port]);
    expect(pool.stats()).toMatchObject({ refusedParts: 0, refused429: 0 });
    // Direct clients here make no batches of their own.
    expect(pool.stats().batches > 0).toBe(proxy !== undefined && play.overlaps);
    const failures = [...((await proxy?.metrics()) ?? [])].filter(
      ([series, value]) => /invariant_violations|protocol_errors/.test(series) && value > 0,
    );
    expect(failures).toEqual([]);
  });
});
