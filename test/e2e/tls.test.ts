import { readFileSync } from 'node:fs';
import { request as httpsRequest, createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { onCleanup } from '../support/cleanup.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { app, UcwaClient } from '../support/ucwa-client.ts';

const path = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
const read = (name: string): Buffer => readFileSync(path(name));

/** A pool behind TLS that answers with the name of the caller. */
async function startSecurePool(options: ServerOptions = {}): Promise<string> {
  const server = createServer(
    { cert: read('server.pem'), key: read('server.key'), ...options },
    (request, response) => {
      request.resume();
      response.end(`served ${request.url ?? ''}`);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}

const off = { UCWA_PROXY_BATCHING_MODE: 'off' };

describe('towards the pool', () => {
  test('a certificate of the authority in upstream.tls.ca is accepted, by both HTTP clients', async () => {
    const proxy = await startProxy(await startSecurePool(), {
      ...off,
      UCWA_PROXY_UPSTREAM_TLS_CA: path('ca.pem'),
    });
    const client = new UcwaClient(proxy.url);
    expect((await client.ask(`${app}/me`)).text).toBe(`served ${app}/me`);
    expect((await client.ask('/root')).text).toBe('served /root');
  });

  test('another certificate is not accepted: nothing is sent, and the caller gets an error', async () => {
    const proxy = await startProxy(await startSecurePool(), off);
    const client = new UcwaClient(proxy.url);
    for (const target of [`${app}/me`, '/root']) {
      const answer = await client.ask(target);
      expect(answer.status).toBe(503);
      expect(answer.headers['proxy-status']).toBe('ucwa-batch-proxy; error=tls_certificate_error');
    }
  });

  test('a pool that asks for a certificate gets that of the proxy', async () => {
    const pool = await startSecurePool({
      ca: read('ca.pem'),
      requestCert: true,
      rejectUnauthorized: true,
    });
    const proxy = await startProxy(pool, {
      ...off,
      UCWA_PROXY_UPSTREAM_TLS_CA: path('ca.pem'),
      UCWA_PROXY_UPSTREAM_TLS_CERT: path('client.pem'),
      UCWA_PROXY_UPSTREAM_TLS_KEY: path('client.key'),
    });
    const client = new UcwaClient(proxy.url);
    expect((await client.ask(`${app}/me`)).status).toBe(200);
    expect((await client.ask('/root')).status).toBe(200);
  });
});

test('towards clients: calls are served over TLS', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_LISTEN_TLS_CERT: path('server.pem'),
    UCWA_PROXY_LISTEN_TLS_KEY: path('server.key'),
  });
  const status = await new Promise<number>((resolve, reject) => {
    httpsRequest(
      {
        host: '127.0.0.1',
        port: proxy.port,
        path: `${app}/me`,
        ca: read('ca.pem'),
        servername: 'localhost',
        headers: { Authorization: 'Bearer cwt=sim-ann' },
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    )
      .on('error', reject)
      .end();
  });
  expect(status).toBe(200);
});
