/** Wrong certificates, and certificates that are replaced while the proxy runs. */
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { describe, expect } from '@jest/globals';
import { Authority, readIssued, ReplacedFiles } from '../support/authority.ts';
import { onCleanup } from '../support/cleanup.ts';
import { startPool } from '../support/pool.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { onlyWith } from '../support/real-parts.ts';
import { app, UcwaClient, type Answer } from '../support/ucwa-client.ts';

const testWithOpenssl = onlyWith('openssl');

interface SecurePool {
  readonly url: string;
  readonly server: Server;
  /** Targets of the requests, in order. */
  readonly requests: string[];
}

/**
 * Answers with the name in the client's certificate, and closes each connection after an answer.
 */
async function startSecurePool(options: ServerOptions): Promise<SecurePool> {
  const requests: string[] = [];
  const server = createServer(options, (request, response) => {
    requests.push(request.url ?? '');
    request.resume();
    const peer = (request.socket as TLSSocket).getPeerCertificate() as Partial<PeerCertificate>;
    response.setHeader('Connection', 'close');
    response.end(String(peer.subject?.CN ?? 'stranger'));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `https://localhost:${port}`, server, requests };
}

const off = { UCWA_PROXY_BATCHING_MODE: 'off' };
const often = { tlsCheckEveryMs: 5 };
const replaced = /TLS files were replaced/;

/** Asks by a batchable call and by a passed-through call. */
async function askBothWays(proxy: TestProxy): Promise<Answer[]> {
  const client = new UcwaClient(proxy.url);
  return [await client.ask(`${app}/me`), await client.ask('/root')];
}

async function expectRefused(proxy: TestProxy, pool: SecurePool, error: string): Promise<void> {
  const before = pool.requests.length;
  for (const answer of await askBothWays(proxy)) {
    expect(answer.status).toBe(503);
    expect(answer.headers['proxy-status']).toBe(`ucwa-batch-proxy; error=${error}`);
    expect(JSON.parse(answer.text)).toMatchObject({ executed: 'no' });
  }
  expect(pool.requests).toHaveLength(before);
}

describe('the proxy sends nothing to a pool with a certificate that', () => {
  testWithOpenssl('has expired', async () => {
    const authority = new Authority();
    const pool = await startSecurePool(
      readIssued(authority.issue('pool', { until: '20210101000000Z' })),
    );
    const proxy = await startProxy(pool.url, {
      ...off,
      UCWA_PROXY_UPSTREAM_TLS_CA: authority.cert,
    });
    await expectRefused(proxy, pool, 'tls_certificate_error');
  });

  testWithOpenssl('is for another name', async () => {
    const authority = new Authority();
    const pool = await startSecurePool(
      readIssued(authority.issue('pool', { names: 'DNS:other.example' })),
    );
    const settings = { ...off, UCWA_PROXY_UPSTREAM_TLS_CA: authority.cert };
    await expectRefused(await startProxy(pool.url, settings), pool, 'tls_certificate_error');
    const named = { ...settings, UCWA_PROXY_UPSTREAM_TLS_SERVERNAME: 'other.example' };
    const answers = await askBothWays(await startProxy(pool.url, named));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });

  testWithOpenssl('is signed by an authority that is not configured', async () => {
    const pool = await startSecurePool(readIssued(new Authority().issue('pool')));
    await expectRefused(await startProxy(pool.url, off), pool, 'tls_certificate_error');
    const other = { ...off, UCWA_PROXY_UPSTREAM_TLS_CA: new Authority().cert };
    await expectRefused(await startProxy(pool.url, other), pool, 'tls_certificate_error');
  });
});

testWithOpenssl('neither side uses a version before TLS 1.2', async () => {
  const authority = new Authority();
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const;
  const issued = authority.issue('pool');
  const pool = await startSecurePool({ ...readIssued(issued), ...old });
  const proxy = await startProxy(pool.url, {
    ...off,
    UCWA_PROXY_UPSTREAM_TLS_CA: authority.cert,
    UCWA_PROXY_LISTEN_TLS_CERT: issued.cert,
    UCWA_PROXY_LISTEN_TLS_KEY: issued.key,
  });
  const spoken = (versions: object): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({ port: proxy.port, ca: readFileSync(authority.cert), ...versions });
      socket.on('error', () => resolve('refused'));
      socket.on('secureConnect', () => {
        resolve(socket.getProtocol() ?? '');
        socket.destroy();
      });
    });
  expect(await spoken(old)).toBe('refused');
  expect(await spoken({ maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
  const { port } = await startProxy(pool.url, {
    ...off,
    UCWA_PROXY_UPSTREAM_TLS_CA: authority.cert,
  });
  const answers = await askBothWays({ url: `http://127.0.0.1:${port}` } as TestProxy);
  expect(answers.map(({ status }) => status)).toEqual([503, 503]);
  expect(pool.requests).toEqual([]);
});

describe('replaced files take effect without a restart:', () => {
  testWithOpenssl('the authority of the pool', async () => {
    const [old, young] = [new Authority(), new Authority()];
    const files = new ReplacedFiles();
    files.put({ ca: old.cert });
    const pool = await startSecurePool(readIssued(old.issue('pool')));
    const proxy = await startProxy(
      pool.url,
      { ...off, UCWA_PROXY_UPSTREAM_TLS_CA: files.ca },
      often,
    );
    expect((await askBothWays(proxy)).map(({ status }) => status)).toEqual([200, 200]);

    // The old authority is no longer trusted, and no earlier session is resumed.
    files.put({ ca: young.cert });
    await proxy.untilLogged(replaced);
    await expectRefused(proxy, pool, 'tls_certificate_error');

    pool.server.setSecureContext(readIssued(young.issue('pool')));
    expect((await askBothWays(proxy)).map(({ status }) => status)).toEqual([200, 200]);
  });

  testWithOpenssl("the proxy's certificate for the pool", async () => {
    const authority = new Authority();
    const files = new ReplacedFiles();
    files.put(authority.issue('first'));
    const pool = await startSecurePool({
      ...readIssued(authority.issue('pool')),
      ca: readFileSync(authority.cert),
      requestCert: true,
      rejectUnauthorized: true,
    });
    const settings = {
      ...off,
      UCWA_PROXY_UPSTREAM_TLS_CA: authority.cert,
      UCWA_PROXY_UPSTREAM_TLS_CERT: files.cert,
      UCWA_PROXY_UPSTREAM_TLS_KEY: files.key,
    };
    const proxy = await startProxy(pool.url, settings, often);
    expect((await askBothWays(proxy)).map(({ text }) => text)).toEqual(['first', 'first']);
    files.put(authority.issue('second'));
    await proxy.untilLogged(replaced);
    expect((await askBothWays(proxy)).map(({ text }) => text)).toEqual(['second', 'second']);
  });

  testWithOpenssl("the proxy's certificate for clients, once it fits its key", async () => {
    const authority = new Authority();
    const files = new ReplacedFiles();
    files.put(authority.issue('first'));
    const proxy = await startProxy(
      (await startPool()).url,
      { UCWA_PROXY_LISTEN_TLS_CERT: files.cert, UCWA_PROXY_LISTEN_TLS_KEY: files.key },
      often,
    );
    const served = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect({ port: proxy.port, ca: readFileSync(authority.cert) });
        socket.on('error', reject);
        socket.on('secureConnect', () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        });
      });
    expect(await served()).toBe('first');

    const second = authority.issue('second');
    files.put({ cert: second.cert });
    await proxy.untilLogged(/"level":"warn".*replaced TLS files cannot be used/);
    expect(await served()).toBe('first');
    files.put({ key: second.key });
    await proxy.untilLogged(replaced);
    expect(await served()).toBe('second');
    expect(proxy.log.filter((line) => line.includes('cannot be used'))).toHaveLength(1);
  });
});
