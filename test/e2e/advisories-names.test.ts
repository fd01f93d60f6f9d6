/** Faults of other proxies that read the name of a request in two ways (docs/advisories.md). */
import { connect as connectTcp } from 'node:net';
import { Duplex } from 'node:stream';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { Authority } from '../support/authority.ts';
import { onCleanup } from '../support/cleanup.ts';
import { type Said, startNamedPool } from '../support/named-pool.ts';
import { startProxyFrom } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { onlyWith } from '../support/real-parts.ts';

const testWithOpenssl = onlyWith('openssl');

async function start(more = '') {
  const [a, b] = [await startNamedPool('a'), await startNamedPool('b')];
  const { port, log } = await startProxyFrom(`
pools:
  - { name: a, hosts: [a.example, '*.w.example'], servers: ['${a.url}'] }
  - { name: b, hosts: [b.example, 'a.example:8443'], servers: ['${b.url}'] }
${more}`);
  return { a, b, port, log };
}

/** A request with these lines, the target and then the fields. */
const get = (target: string, ...fields: readonly string[]): string =>
  `GET ${target} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`;

describe('a request reaches one pool, or none:', () => {
  test.each<[string, string, string]>([
    ['another port', get('/', 'Host: a.example:8080'), 'a'],
    ['a port with a name of its own', get('/', 'Host: a.example:8443'), 'b'],
    ['a port with a leading zero', get('/', 'Host: a.example:08443'), 'b'],
    ['a port without digits', get('/', 'Host: a.example:'), '400'],
    ['a port that is no number', get('/', 'Host: a.example:b.example'), '400'],
    ['two ports', get('/', 'Host: a.example:80:8443'), '400'],
    ['upper case', get('/', 'Host: A.EXAMPLE'), 'a'],
    ['a last dot', get('/', 'Host: a.example.'), 'a'],
    ['a last dot before a port', get('/', 'Host: a.example.:8443'), 'b'],
    ['two last dots', get('/', 'Host: a.example..'), '421'],
    ['a first dot', get('/', 'Host: .w.example'), '421'],
    ['the name of a wildcard itself', get('/', 'Host: w.example'), '421'],
    ['a longer name', get('/', 'Host: a.example.evil.example'), '421'],
    ['a longer first label', get('/', 'Host: xa.example'), '421'],
    ['an underscore', get('/', 'Host: a_example'), '421'],
    ['an underscore below a wildcard', get('/', 'Host: x_y.w.example'), 'a'],
    ['an encoded dot', get('/', 'Host: a%2eexample'), '400'],
    ['an encoded letter', get('/', 'Host: %61.example'), '400'],
    ['a user', get('/', 'Host: b.example@a.example'), '400'],
    ['a path', get('/', 'Host: a.example/b.example'), '400'],
    ['a query', get('/', 'Host: a.example?b.example'), '400'],
    ['a list', get('/', 'Host: a.example, b.example'), '400'],
    ['a blank inside', get('/', 'Host: a.example b.example'), '400'],
    ['a blank before the colon', get('/', 'Host : a.example'), '400'],
    ['a folded line', get('/', 'Host: a.example', ' b.example'), '400'],
    ['blanks around it', get('/', 'Host: \ta.example \t'), 'a'],
    ['two Hosts', get('/', 'Host: a.example', 'Host: b.example'), '400'],
    ['two Hosts in two cases', get('/', 'Host: a.example', 'HOST: b.example'), '400'],
    ['another X-Forwarded-Host', get('/', 'Host: a.example', 'X-Forwarded-Host: b.example'), 'a'],
    ['another Forwarded', get('/', 'Host: a.example', 'Forwarded: host=b.example'), 'a'],
    ['an absolute target', get('http://a.example/', 'Host: a.example'), 'a'],
    ['another absolute target', get('http://b.example/', 'Host: a.example'), '421'],
    ['an absolute target with a user', get('http://b@a.example/', 'Host: a.example'), '421'],
    ['an absolute target with a port', get('http://a.example:8443/', 'Host: a.example'), '421'],
    ['an absolute target with a last dot', get('http://a.example./', 'Host: a.example'), '421'],
    ['a target that begins with two slashes', get('//b.example/', 'Host: a.example'), 'a'],
  ])('a name that can be read in several ways: %s', async (_, request, expected) => {
    const { a, b, port } = await start();
    const client = new RawClient(port);
    client.send(request);
    const { status, body } = await client.readAnswer();
    const reached = status === 200 ? (JSON.parse(body.toString()) as Said).pool : String(status);
    expect(reached).toBe(expected);
    expect([a.heads.length, b.heads.length]).toEqual([
      expected === 'a' ? 1 : 0,
      expected === 'b' ? 1 : 0,
    ]);
  });
});

describe('with several certificates', () => {
  async function startSecure(more = '') {
    const authority = new Authority();
    const [main, ofA, ofB] = ['main', 'a', 'b'].map((name) =>
      authority.issue(name, { names: `DNS:${name}.example` }),
    );
    return start(`
listen:
  tls:
    cert: ${main!.cert}
    key: ${main!.key}
    certs: ${JSON.stringify([ofA, ofB])}
${more}`);
  }

  function open(options: ConnectionOptions): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket: TLSSocket = connect({ rejectUnauthorized: false, ...options }, () =>
        resolve(socket),
      );
      socket.on('error', reject);
      onCleanup(() => void socket.destroy());
    });
  }

  testWithOpenssl('a divided ClientHello gets the certificate of its name', async () => {
    const { port } = await startSecure();
    for (const servername of ['a.example', 'b.example']) {
      const socket = await open({ servername, socket: divided(port) });
      expect(`${String(socket.getPeerCertificate().subject.CN)}.example`).toBe(servername);
    }
  });

  testWithOpenssl('a resumed session of another name gives no right: Host decides', async () => {
    const { a, b, port } = await startSecure();
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const first = await open({ port, servername: 'a.example', maxVersion });
      const untilSession =
        maxVersion === 'TLSv1.2'
          ? Promise.resolve(first.getSession())
          : new Promise<Buffer>((resolve) => first.once('session', resolve));
      first.write(get('/', 'Host: a.example'));
      const session = await untilSession;
      if (session === undefined) throw new Error('no session');
      for (const [host, status] of [
        ['b.example', 200],
        ['c.example', 421],
      ] as const) {
        const socket = await open({ port, servername: 'b.example', maxVersion, session });
        socket.write(get('/', `Host: ${host}`, 'Connection: close'));
        let received = '';
        for await (const chunk of socket) received += String(chunk);
        expect([host, received]).toEqual([host, expect.stringMatching(`^HTTP/1.1 ${status} `)]);
      }
    }
    expect([a.heads.length, b.heads.length]).toEqual([2, 2]);
  });

  testWithOpenssl('no line of a log has the name that a connection asks for', async () => {
    const forged = '"}\n{"level":"error","msg":"forged"}\nx forged';
    const inField = forged.replaceAll('\n', '');
    for (const format of ['json', 'text', 'w3c']) {
      const { port, log } = await startSecure(`log: { level: debug, format: ${format} }`);
      for (const host of ['a.example', 'forged.example', '"forged"']) {
        const socket = await open({ port, servername: forged });
        socket.write(
          get('/forged"', `Host: ${host}`, `X-Request-Id: ${inField}`, 'Connection: close'),
        );
        let received = '';
        for await (const chunk of socket) received += String(chunk);
        expect(received).toMatch(/^HTTP\/1.1 (?:200|400|421) /);
      }
      const lines = log.join('');
      expect(lines.match(/\b(?:passthrough|refused)\b/g)?.length).toBeGreaterThanOrEqual(3);
      expect(lines).not.toContain('forged');
    }
  });
});

/** A connection that divides its first TLS record, the ClientHello, into records of a few bytes. */
function divided(port: number): Duplex {
  const socket = connectTcp(port, '127.0.0.1');
  let isFirst = true;
  const duplex = new Duplex({
    read: () => socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      const [header, payload] = [chunk.subarray(0, 3), chunk.subarray(5)];
      if (!isFirst) socket.write(chunk);
      else {
        for (let at = 0; at < payload.length; at += 32) {
          const piece = payload.subarray(at, at + 32);
          socket.write(Buffer.concat([header, Buffer.from([0, piece.length]), piece]));
        }
      }
      isFirst = false;
      done();
    },
    final: (done) => void socket.end(done),
  });
  socket.on('data', (chunk: Buffer) => duplex.push(chunk));
  socket.on('end', () => duplex.push(null));
  onCleanup(() => void socket.destroy());
  return duplex;
}
