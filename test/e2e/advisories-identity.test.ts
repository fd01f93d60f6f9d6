/**
 * Faults by which other proxies gave one user's data to another (docs/advisories.md), tried on this
 * proxy.
 */
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient, type RawAnswer } from '../support/raw-client.ts';
import { startScriptedPool, type ScriptedPool } from '../support/scripted-pool.ts';
import { app, UcwaClient } from '../support/ucwa-client.ts';

const off = { UCWA_PROXY_BATCHING_MODE: 'off' };
const bind = { ...off, UCWA_PROXY_UPSTREAM_CONNECTION_AUTH: 'bind' };
const ways = [
  ['passed through', '/WebTicket/WebTicketService.svc'],
  ['alone', `${app}/me`],
] as const;
const bearer = 'Authorization: Bearer cwt=sim-ben\r\n';

function ask(client: RawClient, target: string, fields = ''): Promise<RawAnswer> {
  client.send(`GET ${target} HTTP/1.1\r\nHost: pool.example\r\n${fields}\r\n`);
  return client.readAnswer();
}

/**
 * A pool that signs in connections as IIS does. The first handshake message gets a challenge. The
 * second names the user to whom the connection belongs from then on.
 */
function startSigningPool(): Promise<ScriptedPool> {
  const users = new WeakMap<Socket, string>();
  return startScriptedPool((request, socket) => {
    const [, scheme = '', message = ''] = /^Authorization: (\S+) (\S+)\r$/im.exec(request) ?? [];
    const isHandshake = scheme !== '' && scheme !== 'Bearer';
    if (isHandshake && message.startsWith('is-')) users.set(socket, message);
    const user = users.get(socket);
    const body = user ?? 'anonymous';
    const isLetIn = user !== undefined || scheme === 'Bearer';
    const head = isLetIn ? '200 OK' : '401 Unauthorized\r\nWWW-Authenticate: NTLM';
    socket.write(`HTTP/1.1 ${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
}

/** Sends both messages of a handshake, then a call. */
async function signIn(client: RawClient, target: string, scheme = 'NTLM'): Promise<string[]> {
  const bodies: string[] = [];
  for (const message of ['hello', 'is-ann', undefined]) {
    const fields = message === undefined ? '' : `Authorization: ${scheme} ${message}\r\n`;
    bodies.push((await ask(client, target, fields)).body.toString());
  }
  return bodies;
}

describe.each(ways)(
  'a sign-in by one user on a connection to the pool, in a call %s,',
  (_, target) => {
    test.each(['NTLM', 'Negotiate', 'nego2', 'Kerberos', 'Digest', 'Unheard-Of'])(
      'by %s is refused unless connections are bound, and none of it reaches the pool',
      async (scheme) => {
        const pool = await startSigningPool();
        const proxy = await startProxy(pool.url, off);
        const client = new RawClient(proxy.port);
        const { status, head, body } = await ask(
          client,
          target,
          `Authorization: ${scheme} is-ann\r\n`,
        );
        expect(status).toBe(501);
        expect(head).toMatch(/^Connection: close\r?$/im);
        expect(JSON.parse(body.toString())).toMatchObject({
          type: 'urn:ucwa-batch-proxy:problem:refused-connection-auth',
          executed: 'no',
          title: expect.stringContaining('upstream.connectionAuth'),
        });
        expect(pool.requests).toEqual([]);
      },
    );

    test.each(['NTLM', 'Negotiate'])(
      'by %s stays with its client if connections are bound',
      async (scheme) => {
        const pool = await startSigningPool();
        const proxy = await startProxy(pool.url, bind);
        const ann = new RawClient(proxy.port);
        expect(await signIn(ann, target, scheme)).toEqual(['anonymous', 'is-ann', 'is-ann']);
        for (const fields of ['', bearer]) {
          const other = new RawClient(proxy.port);
          expect((await ask(other, target, fields)).body.toString()).toBe('anonymous');
        }
        ann.leave();
        await pool.untilClosed(1);
        const later = new RawClient(proxy.port);
        expect((await ask(later, target)).body.toString()).toBe('anonymous');
      },
    );

    test('by a credential in the first request stays with its client', async () => {
      const pool = await startSigningPool();
      const proxy = await startProxy(pool.url, bind);
      const ben = new RawClient(proxy.port);
      await ask(ben, target, bearer);
      const ann = new RawClient(proxy.port);
      const answer = await ask(ann, target, 'Authorization: Negotiate is-ann\r\n');
      expect(answer.body.toString()).toBe('is-ann');
      expect((await ask(ben, target, bearer)).body.toString()).toBe('anonymous');
    });

    test.each([
      ['a challenge', '401 Unauthorized\r\nWWW-Authenticate: Negotiate'],
      ['Persistent-Auth', '200 OK\r\nPersistent-Auth: true'],
    ])('a connection on which the pool sends %s is not used again', async (_said, head) => {
      let first: Socket | undefined;
      const pool = await startScriptedPool((_request, socket) => {
        first ??= socket;
        const says = socket === first ? head : '200 OK';
        socket.write(`HTTP/1.1 ${says}\r\nContent-Length: 2\r\n\r\nok`);
      });
      const proxy = await startProxy(pool.url, off);
      await ask(new RawClient(proxy.port), target, bearer);
      await pool.untilClosed(1);
      expect((await ask(new RawClient(proxy.port), target, bearer)).status).toBe(200);
    });
  },
);

test('calls that begin a handshake with the same bytes never share a batch', async () => {
  const pool = await startSigningPool();
  for (const mode of [{}, { UCWA_PROXY_UPSTREAM_CONNECTION_AUTH: 'bind' }]) {
    const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'fixed', ...mode });
    await Promise.all(
      ['me', 'me/note', 'policies'].map((path) =>
        ask(new RawClient(proxy.port), `${app}/${path}`, 'Authorization: NTLM hello\r\n'),
      ),
    );
  }
  expect(pool.requests.filter((request) => request.includes('multipart/batching'))).toEqual([]);
});

describe('sharing of parts and batches', () => {
  const fixed = {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '50',
  };

  test('different credentials with equal concatenations share nothing', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, fixed);
    const client = new UcwaClient(proxy.url);
    const asked = [
      { token: 'cwt=sim-ann', headers: { 'X-MS-WebTicket': 'bc' } },
      { token: 'cwt=sim-annb', headers: { 'X-MS-WebTicket': 'c' } },
      { token: 'cwt=sim-ann', headers: { 'X-MS-WebTicket': 'b', Cookie: 'c=1' } },
      { token: 'cwt=sim-ann', headers: { Cookie: 'bc=1' } },
    ];
    await Promise.all(asked.map((one) => client.ask(`${app}/me`, one)));
    expect(pool.stats()).toMatchObject({ requests: 4, batches: 0 });
  });

  test('the proxy caches no answer, even if the pool allows it', async () => {
    let asked = 0;
    const pool = await startScriptedPool((_request, socket) => {
      asked += 1;
      socket.write(
        'HTTP/1.1 200 OK\r\nCache-Control: public, max-age=3600, private=" authorization"\r\n' +
          `ETag: "1"\r\nContent-Length: 1\r\n\r\n${asked}`,
      );
    });
    const proxy = await startProxy(pool.url, off);
    const bodies: string[] = [];
    for (const target of [`${app}/me`, `${app}/me`, '/a', '/a']) {
      bodies.push((await ask(new RawClient(proxy.port), target, bearer)).body.toString());
    }
    expect(bodies).toEqual(['1', '2', '3', '4']);
  });
});

test.each(ways)(
  'a field name that CGI equates with X-Forwarded-For does not reach the pool: %s',
  async (_, target) => {
    const pool = await startScriptedPool((_request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    const proxy = await startProxy(pool.url, off);
    const aliases = ['X_Forwarded_For', 'x-forwarded_for', 'X_FORWARDED-HOST', 'X_Forwarded_Proto'];
    const fields = aliases.map((name) => `${name}: 6.6.6.6\r\n`).join('');
    await ask(new RawClient(proxy.port), target, `${bearer}${fields}`);
    expect(pool.requests[0]).not.toContain('6.6.6.6');
  },
);
