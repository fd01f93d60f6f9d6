/** Names and TLS: the certificate that a client sees, and the name that the certificate of a pool must have. */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect } from '@jest/globals';
import { Authority, type Issued, readIssued, ReplacedFiles } from '../support/authority.ts';
import { onCleanup } from '../support/cleanup.ts';
import { startNamedPool } from '../support/named-pool.ts';
import { startProxyFrom } from '../support/proxy.ts';
import { onlyWith } from '../support/real-parts.ts';
import { app, UcwaClient } from '../support/ucwa-client.ts';

const testWithOpenssl = onlyWith('openssl');
const replaced = /"level":"info".*TLS files were replaced/;

const listenTls = (main: Issued, ...further: readonly Issued[]): string => `
listen:
  tls:
    cert: ${main.cert}
    key: ${main.key}
    certs: ${JSON.stringify(further.map(({ cert, key }) => ({ cert, key })))}
`;

/** Connects with this server name, which is empty for none. */
function open(port: number, servername: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', servername, rejectUnauthorized: false };
    const socket: TLSSocket = connect(options, () => resolve(socket));
    socket.on('error', reject);
    onCleanup(() => void socket.destroy());
  });
}

async function served(port: number, servername: string): Promise<string> {
  const socket = await open(port, servername);
  return String(socket.getPeerCertificate().subject.CN);
}

describe('a client sees the certificate', () => {
  testWithOpenssl('that has the name it asks for, else the main one', async () => {
    const authority = new Authority();
    const main = authority.issue('main', { names: 'DNS:main.example' });
    const wild = authority.issue('wild', { names: 'DNS:*.a.example, DNS:b.example' });
    const exact = authority.issue('exact', { names: 'DNS:x.a.example' });
    const pool = await startNamedPool('only');
    const { port } = await startProxyFrom(
      `upstream: { url: '${pool.url}' }\n${listenTls(main, wild, exact)}`,
    );
    for (const [name, certificate] of [
      ...[['main.example', 'main'] as const, ['', 'main'] as const, ['c.example', 'main'] as const],
      ...[['b.example', 'wild'] as const, ['y.a.example', 'wild'] as const],
      ...[['B.Example', 'wild'] as const, ['x.a.example', 'exact'] as const],
      ...[['a.example', 'main'] as const, ['z.y.a.example', 'main'] as const],
    ]) {
      expect([name, await served(port, name)]).toEqual([name, certificate]);
    }
  });

  testWithOpenssl('that replaced another one, without a restart', async () => {
    const authority = new Authority();
    const files = new ReplacedFiles();
    files.put(authority.issue('first', { names: 'DNS:a.example' }));
    const pool = await startNamedPool('only');
    const proxy = await startProxyFrom(
      `upstream: { url: '${pool.url}' }\n${listenTls(authority.issue('main'), files)}`,
      {},
      { tlsCheckEveryMs: 10 },
    );
    expect(await served(proxy.port, 'a.example')).toBe('first');
    const second = authority.issue('second', { names: 'DNS:b.example' });
    files.put({ cert: second.cert });
    await proxy.untilLogged(/"level":"warn".*replaced TLS files cannot be used/);
    expect(await served(proxy.port, 'a.example')).toBe('first');
    files.put({ key: second.key });
    await proxy.untilLogged(replaced);
    expect(await served(proxy.port, 'b.example')).toBe('second');
    expect(await served(proxy.port, 'a.example')).toBe('main');
  });
});

describe('on a connection with the certificate of another name', () => {
  testWithOpenssl('a name of a pool reaches that pool, and an unknown name no pool', async () => {
    const authority = new Authority();
    const [a, b] = [await startNamedPool('a'), await startNamedPool('b')];
    const ofA = authority.issue('a', { names: 'DNS:a.example' });
    const { port } = await startProxyFrom(`
pools:
  - { name: a, hosts: [a.example], servers: ['${a.url}'] }
  - { name: b, hosts: [b.example], servers: ['${b.url}'] }
${listenTls(authority.issue('main'), ofA)}`);
    const socket = await open(port, 'a.example');
    let received = '';
    const untilClosed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    const get = (host: string): string => `GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    socket.write(get('b.example') + get('c.example'));
    await untilClosed;
    expect(received.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 421']);
    expect([a.heads.length, b.heads.length]).toEqual([0, 1]);
    expect(b.heads[0]?.join('\n')).toContain('X-Forwarded-Proto\nhttps');
  });
});

describe('the name of a client does not choose the name that TLS to the pool verifies:', () => {
  const targets = [`/Autodiscover`, `${app}/me`];

  /** Starts a pool with a certificate for this name, and a proxy in front of it. */
  async function startSecure(names: string, server: string, servername: string) {
    const authority = new Authority();
    const seen: Array<string | false | null> = [];
    const pool = createServer(readIssued(authority.issue('pool', { names })), (request, response) =>
      response.end(request.headers.host),
    );
    pool.on('secureConnection', (socket) => seen.push(socket.servername));
    await new Promise<void>((resolve) => pool.listen(0, '127.0.0.1', resolve));
    onCleanup(() => {
      pool.closeAllConnections();
      pool.close();
    });
    const { port } = pool.address() as AddressInfo;
    const proxy = await startProxyFrom(`
batching: { mode: 'off' }
pools:
  - name: a
    hosts: [a.example, b.example]
    servers: ['https://${server}:${port}']
    tls: { ca: '${authority.cert}'${servername === '' ? '' : `, servername: ${servername}`} }
`);
    const client = new UcwaClient(proxy.url);
    const ask = async (target: string, host: string): Promise<string> => {
      const { status, text } = await client.ask(target, { headers: { Host: host } });
      return status === 200 ? text : `${status} ${(JSON.parse(text) as { type: string }).type}`;
    };
    return { seen, ask };
  }

  describe.each([
    ['the name of the server', 'DNS:localhost', 'localhost', '', 'localhost'],
    ['the address of the server', 'IP:127.0.0.1', '127.0.0.1', '', false],
    ['servername', 'DNS:fe.example', '127.0.0.1', 'fe.example', 'fe.example'],
  ] as const)('%s does,', (_, names, server, servername, sni) => {
    testWithOpenssl('and one connection of each HTTP client serves all names', async () => {
      const { seen, ask } = await startSecure(names, server, servername);
      for (const target of targets) {
        for (const host of ['a.example', 'b.example', 'A.example:8443', 'a.example']) {
          expect(await ask(target, host)).toBe(host);
        }
      }
      expect(seen).toEqual([sni, sni]);
    });
  });

  testWithOpenssl('a certificate with the name of the client is not enough', async () => {
    const { ask } = await startSecure('DNS:a.example', 'localhost', '');
    for (const target of targets) {
      expect(await ask(target, 'a.example')).toBe(
        '503 urn:ucwa-batch-proxy:problem:tls-certificate-error',
      );
    }
  });
});
