import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { FaultName, FaultPhase } from '../../src/core/messages/fault.ts';
import type { UpstreamTls } from '../../src/pass-through/secure-agent.ts';
import { ask, Rig } from './rig.ts';

const file = (name: string): Buffer =>
  readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
const ca = file('ca.pem');
const serverFiles = { cert: file('server.pem'), key: file('server.key') };
const clientFiles = { cert: file('client.pem'), key: file('client.key') };

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

interface TlsPool {
  readonly port: number;
  readonly requests: string[];
  handshakes: number;
}

async function tlsPool(options: https.ServerOptions = {}): Promise<TlsPool> {
  const pool = { port: 0, requests: [] as string[], handshakes: 0 };
  const server = https.createServer({ ...serverFiles, ...options }, (request, response) => {
    pool.requests.push(request.url ?? '');
    const peer = (request.socket as TLSSocket).getPeerCertificate() as Partial<PeerCertificate>;
    response.end(`hello ${String(peer.subject?.CN ?? 'stranger')}`);
  });
  server.on('secureConnection', () => pool.handshakes++);
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  rig.onClose(() => {
    server.closeAllConnections();
    server.close();
  });
  pool.port = (server.address() as AddressInfo).port;
  return pool;
}

const get = 'GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

async function answerFrom(url: string, tls: UpstreamTls): Promise<string> {
  const { port } = await rig.front(new URL(url), { tls: () => tls });
  return ask(port, get);
}

async function expectFault(
  url: string,
  tls: UpstreamTls,
  phase: FaultPhase,
  name: FaultName,
): Promise<void> {
  const front = await rig.front(new URL(url), { tls: () => tls, connectTimeoutMs: 300 });
  await ask(front.port, get);
  const fault = { phase, name };
  expect(await front.outcomes(1)).toEqual([{ kind: 'failed', fault, responded: false }]);
}

describe('a TLS pool', () => {
  test.each(['localhost', '127.0.0.1'])('is verified with the given CA at %s', async (host) => {
    const pool = await tlsPool();
    const answer = await answerFrom(`https://${host}:${pool.port}`, { ca });
    expect(answer).toMatch(/200 OK[\s\S]*hello stranger$/);
  });

  test('receives the client certificate', async () => {
    const pool = await tlsPool({ ca, requestCert: true, rejectUnauthorized: true });
    const url = `https://localhost:${pool.port}`;
    expect(await answerFrom(url, { ca, ...clientFiles })).toMatch(
      /hello ucwa-batch-proxy test client$/,
    );
  });

  test('receives the configured server name, and needs a certificate for it', async () => {
    let asked = '';
    const pool = await tlsPool({
      SNICallback(servername, done) {
        asked = servername;
        done(null);
      },
    });
    const url = `https://127.0.0.1:${pool.port}`;
    expect(await answerFrom(url, { ca, servername: 'localhost' })).toContain('200 OK');
    expect(asked).toBe('localhost');
    const other = { ca, servername: 'other.example' };
    await expectFault(url, other, 'unsent', 'tls_certificate_error');
    expect(pool.requests).toHaveLength(1);
  });

  test('has one handshake for sequential calls', async () => {
    const pool = await tlsPool();
    const tls = { ca };
    const { port } = await rig.front(new URL(`https://localhost:${pool.port}`), { tls: () => tls });
    for (let i = 0; i < 3; i++) expect(await ask(port, get)).toContain('200 OK');
    expect(pool.handshakes).toBe(1);
  });
});

describe('a TLS failure has its own fault name, and no byte of the request is sent', () => {
  test('when the CA is unknown', async () => {
    const pool = await tlsPool();
    await expectFault(`https://localhost:${pool.port}`, {}, 'unsent', 'tls_certificate_error');
    expect(pool.requests).toEqual([]);
  });

  test('when the pool does not speak TLS', async () => {
    const { port } = await rig.rawPool((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expectFault(`https://localhost:${port}`, { ca }, 'unsent', 'tls_protocol_error');
  });

  test('when the pool sends an alert', async () => {
    const pool = await tlsPool({ ca, requestCert: true, maxVersion: 'TLSv1.2' });
    await expectFault(`https://localhost:${pool.port}`, { ca }, 'unsent', 'tls_alert_received');
    expect(pool.requests).toEqual([]);
  });

  test('when the connection closes during the handshake', async () => {
    const { port } = await rig.rawPool((socket) => socket.once('data', () => socket.destroy()));
    await expectFault(`https://localhost:${port}`, { ca }, 'unsent', 'connection_terminated');
  });

  test('when the handshake takes too long', async () => {
    const { port } = await rig.rawPool(() => undefined);
    await expectFault(`https://localhost:${port}`, { ca }, 'unsent', 'connection_timeout');
  });
});

test('a missing client certificate in TLS 1.3 fails after the request can have been sent', async () => {
  const pool = await tlsPool({ ca, requestCert: true, minVersion: 'TLSv1.3' });
  await expectFault(`https://localhost:${pool.port}`, { ca }, 'unknown', 'tls_alert_received');
  expect(pool.requests).toEqual([]);
});

test('createPassThrough() throws for invalid TLS files', async () => {
  const tls = { ca, cert: 'no certificate', key: 'no key' };
  await expect(rig.front(new URL('https://localhost'), { tls: () => tls })).rejects.toThrow(/PEM/i);
});
