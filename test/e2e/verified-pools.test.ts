/** A pool that differs, the profile that `verify` writes for it, and the proxy with this profile. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { poolProfile } from '../../src/cli/verify/profile.ts';
import { loadServeSettings } from '../../src/settings/load-settings.ts';
import { type Flip, type FlippedPool, startFlippedPool } from '../support/flipped-pool.ts';
import { decisive, type NamedFlip } from '../support/pool-flips.ts';
import { startPool } from '../support/pool.ts';
import { startProxy, startProxyFrom, type TestProxy } from '../support/proxy.ts';
import { SigningClient, webTicket } from '../support/signing-client.ts';
import { startSigningPool } from '../support/signing-pool.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';
import { runOnly } from '../support/verify-checks.ts';

const held = { UCWA_PROXY_BATCHING_MODE: 'fixed', UCWA_PROXY_BATCHING_LINGER_MAX_MS: '100' };

async function start(flip: Flip, ids: readonly string[], how: Partial<NamedFlip> = {}) {
  const pool = await startFlippedPool(flip);
  const { results } = await runOnly(pool.url, ids, how);
  return { pool, profile: poolProfile(pool.url, results) };
}

/** Returns the number of batches that the pool refused while the proxy answered these calls. */
async function refusals(
  pool: FlippedPool,
  proxy: TestProxy,
  headers: Record<string, string> = {},
): Promise<number> {
  const from = pool.batchStatuses.length;
  const answers = await new UcwaClient(proxy.url).askAll(notes(12), { headers });
  expect(answers.map(({ status }) => status)).toEqual(notes(12).map(() => 200));
  const statuses = pool.batchStatuses.slice(from);
  expect(statuses.length).toBeGreaterThan(0);
  return statuses.filter((status) => status !== 200).length;
}

describe('the profile makes the proxy right again in front of a pool that', () => {
  test('answers in another order: batching.mode', async () => {
    const { pool, profile } = await start(decisive['batching.mode'], ['batch.order']);
    const targets = [`${app}/me/presence`, `${app}/me/note`];
    const relations = async (proxy: TestProxy): Promise<unknown> => {
      const answers = await new UcwaClient(proxy.url).askAll(targets);
      return answers.map(({ text }) => (JSON.parse(text) as { rel?: unknown }).rel);
    };
    expect(await relations(await startProxy(pool.url, held))).toEqual(['note', 'presence']);
    expect(await relations(await startProxyFrom(profile))).toEqual(['presence', 'note']);
  });

  test('takes few parts: batching.maxParts', async () => {
    const { pool, profile } = await start(decisive['batching.maxParts'], ['size.parts']);
    expect(await refusals(pool, await startProxy(pool.url, held))).toBeGreaterThan(0);
    expect(await refusals(pool, await startProxyFrom(profile, held))).toBe(0);
  });

  test('takes small batches: batching.maxBytes', async () => {
    const { pool, profile } = await start(decisive['batching.maxBytes'], ['size.bytes']);
    const long = { 'X-Long': 'x'.repeat(3000) };
    expect(await refusals(pool, await startProxy(pool.url, held), long)).toBeGreaterThan(0);
    expect(await refusals(pool, await startProxyFrom(profile, held), long)).toBe(0);
  });

  test('fails one resource in batches: batching.never', async () => {
    const { pool, profile } = await start(decisive['batching.never'], ['answers.same']);
    const targets = ['me', 'me/presence', 'me/note'].map((path) => `${app}/${path}`);
    const statuses = async (proxy: TestProxy): Promise<number[]> =>
      (await new UcwaClient(proxy.url).askAll(targets)).map(({ status }) => status);
    expect(await statuses(await startProxy(pool.url, held))).toEqual([200, 500, 200]);
    expect(await statuses(await startProxyFrom(profile, held))).toEqual([200, 200, 200]);
  });

  test.each([true, false])('counts polls (%s): limits.longPollCounts', async (longPollCounts) => {
    const flip = { options: { limit: 25, longPollCounts } };
    const { profile } = await start(flip, ['limit.calls', 'limit.poll'], {
      allowed: ['write', 'find-limit'],
      createsApplication: true,
    });
    const readFile = (): string => profile;
    const loaded = loadServeSettings({ flags: { config: 'profile' }, env: {}, readFile });
    expect(loaded).toMatchObject({ ok: true, settings: { limits: { longPollCounts } } });
  });

  test('signs in connections only: upstream.connectionAuth', async () => {
    const { profile, pool } = await start(decisive['upstream.connectionAuth'], [
      'sign-in.challenge',
    ]);
    const signing = await startSigningPool();
    const signIn = async (proxy: TestProxy): Promise<number> =>
      (await new SigningClient(proxy.port).signIn('alice', 'NTLM', webTicket)).status;
    expect(await signIn(await startProxy(signing.url))).toBe(501);
    const own = profile.replace(pool.url, signing.url);
    expect(await signIn(await startProxyFrom(own))).toBe(200);
  });

  test('has a certificate of an authority of its own: upstream.tls.ca', async () => {
    const path = (name: string): string =>
      fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
    const [cert = '', key = ''] = ['server.pem', 'server.key'].map((name) =>
      readFileSync(path(name), 'utf8'),
    );
    const { port } = await startPool({ tls: { cert, key } });
    const url = `https://localhost:${port}`;
    const ids = ['tls.version', 'tls.certificate'];
    const without = await runOnly(url, ids);
    expect(without.results[0]).toMatchObject({
      verdict: 'different',
      seen: expect.stringMatching(/^no verified connection \([A-Z_]+\)$/),
    });
    const ca = { file: path('ca.pem'), pem: readFileSync(path('ca.pem')) };
    const { results } = await runOnly(url, ids, { ca });
    expect(results.map(({ seen }) => seen)).toEqual([
      expect.stringMatching(/^TLSv1\.[23], and the certificate is verified$/),
      expect.stringMatching(/^-?\d+ days$/),
      '200 with 2 parts',
    ]);
    const status = async (proxy: TestProxy): Promise<number> =>
      (await new UcwaClient(proxy.url).ask(`${app}/me`)).status;
    expect(await status(await startProxy(url))).toBe(503);
    expect(await status(await startProxyFrom(poolProfile(url, results)))).toBe(200);
  });
});
