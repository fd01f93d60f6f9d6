/** The kinds of failed connections to the pool, and the expiry of certificates. */
import { createServer as createHttps } from 'node:https';
import { describe, expect, test } from '@jest/globals';
import { Authority, readIssued, ReplacedFiles } from '../support/authority.ts';
import { deafPort } from '../support/deaf-port.ts';
import {
  askBothWays,
  errors,
  expiry,
  isOne,
  listen,
  once,
  pools,
  toldBy,
  unreachable,
  verbose,
} from '../support/pool-health.ts';
import { startPool } from '../support/pool.ts';
import { startProxy, startProxyFrom, type TestProxy } from '../support/proxy.ts';
import { onlyWith } from '../support/real-parts.ts';

const testWithOpenssl = onlyWith('openssl');

describe('the kind of the failure is in the log and in the metric:', () => {
  const connectSoon = { UCWA_PROXY_UPSTREAM_CONNECT_TIMEOUT_MS: '200' };

  async function expectKind(proxy: TestProxy, kind: string, code?: string): Promise<void> {
    await proxy.untilLogged(unreachable);
    expect(toldBy(proxy)[0]).toMatchObject({ kind, ...(code !== undefined && { code }) });
    await askBothWays(proxy);
    expect((await proxy.metrics()).get(errors(kind))).toBeGreaterThanOrEqual(2);
    expect(toldBy(proxy)).toHaveLength(1);
    expect((await verbose(proxy))[1]).toContain(`[-]pool: ${kind} since `);
  }

  test('a name without an address', async () => {
    await expectKind(await startProxy('http://pool.invalid', {}, once), 'dns_error');
  });

  test('a port that answers no connection', async () => {
    const url = `http://127.0.0.1:${await deafPort()}`;
    await expectKind(await startProxy(url, connectSoon, once), 'connection_timeout');
  });

  test('https to a port that speaks HTTP', async () => {
    const { url } = await startPool();
    const proxy = await startProxy(url.replace('http:', 'https:'), {}, once);
    await expectKind(proxy, 'tls_protocol_error');
  });

  testWithOpenssl('a certificate that has expired', async () => {
    const authority = new Authority();
    const issued = authority.issue('pool', { until: '20210101000000Z' });
    const port = await listen(createHttps(readIssued(issued)));
    const proxy = await startProxy(
      `https://localhost:${port}`,
      { UCWA_PROXY_UPSTREAM_TLS_CA: authority.cert },
      once,
    );
    await expectKind(proxy, 'tls_certificate_error', 'CERT_HAS_EXPIRED');
    expect((await proxy.metrics()).get(expiry('pool'))).toBeLessThanOrEqual(0);
    expect(await verbose(proxy)).toContainEqual(
      expect.stringMatching(/^\[-\]certificate pool: expired 20/),
    );
  });

  testWithOpenssl('a certificate for another name', async () => {
    const authority = new Authority();
    const issued = authority.issue('pool', { names: 'DNS:other.example' });
    const port = await listen(createHttps(readIssued(issued)));
    const proxy = await startProxy(
      `https://localhost:${port}`,
      { UCWA_PROXY_UPSTREAM_TLS_CA: authority.cert },
      once,
    );
    await expectKind(proxy, 'tls_certificate_error', 'ERR_TLS_CERT_ALTNAME_INVALID');
  });

  testWithOpenssl('a certificate of an unknown authority', async () => {
    const port = await listen(createHttps(readIssued(new Authority().issue('pool'))));
    const proxy = await startProxy(`https://localhost:${port}`, {}, once);
    await expectKind(proxy, 'tls_certificate_error');
  });
});

describe('the expiry of certificates', () => {
  /** Seconds until the first moment of that year. */
  const until = (year: number): number => (Date.UTC(year, 0, 1) - Date.now()) / 1000;

  testWithOpenssl('is that of the first certificate on each side', async () => {
    const authority = new Authority();
    const pool = authority.issue('pool', { until: '20400101000000Z' });
    const port = await listen(createHttps(readIssued(pool)));
    const main = authority.issue('main', { until: '20600101000000Z' });
    const further = authority.issue('further', { until: '20500101000000Z', names: 'DNS:further' });
    const own = authority.issue('own', { until: '20450101000000Z' });
    const proxy = await startProxyFrom(
      `listen: { tls: { cert: ${main.cert}, key: ${main.key},` +
        ` certs: [{ cert: ${further.cert}, key: ${further.key} }] } }
upstream: { url: 'https://localhost:${port}',` +
        ` tls: { ca: ${authority.cert}, cert: ${own.cert}, key: ${own.key} } }`,
      {},
      once,
    );
    await proxy.untilMetric(pools('reachable'), isOne);
    const metrics = await proxy.metrics();
    for (const [side, year] of [
      ['listen', 2050],
      ['upstream', 2045],
      ['pool', 2040],
    ] as const) {
      expect(Math.abs((metrics.get(expiry(side)) ?? 0) - until(year))).toBeLessThan(60);
    }
    expect(await verbose(proxy)).toEqual([
      '[+]serving',
      '[+]pool: reachable',
      '[+]certificate listen: expires 2050-01-01',
      '[+]certificate upstream: expires 2045-01-01',
      '[+]certificate pool: expires 2040-01-01',
      'ready',
    ]);
  });

  testWithOpenssl(
    'changes when the files are replaced, and is negative after the end',
    async () => {
      const authority = new Authority();
      const files = new ReplacedFiles();
      files.put(authority.issue('old', { until: '20210101000000Z' }));
      const proxy = await startProxy(
        (await startPool()).url,
        { UCWA_PROXY_LISTEN_TLS_CERT: files.cert, UCWA_PROXY_LISTEN_TLS_KEY: files.key },
        { tlsCheckEveryMs: 5 },
      );
      const before = (await proxy.metrics()).get(expiry('listen')) ?? NaN;
      expect(Math.abs(before - until(2021))).toBeLessThan(60);
      expect(before).toBeLessThan(0);
      files.put(authority.issue('new', { until: '20500101000000Z' }));
      await proxy.untilMetric(expiry('listen'), (seconds) => seconds > 0);
      const series = [...(await proxy.metrics()).keys()].filter((one) => one.includes('expiry'));
      expect(series).toEqual([expiry('listen')]);
    },
  );
});
