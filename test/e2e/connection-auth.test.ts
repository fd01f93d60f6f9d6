/** Sign-ins that a pool keeps on a connection: no client is answered as another one. */
import { describe, expect, test } from '@jest/globals';
import { me, SigningClient, webTicket } from '../support/signing-client.ts';
import { startSigningPool, type SigningPoolOptions, unanswered } from '../support/signing-pool.ts';
import { startProxy } from '../support/proxy.ts';

async function start(env: Readonly<Record<string, string>>, options: SigningPoolOptions = {}) {
  const pool = await startSigningPool(options);
  const proxy = await startProxy(pool.url, env);
  const client = (): SigningClient => new SigningClient(proxy.port);
  const count = async (series: string): Promise<number | undefined> =>
    (await proxy.metrics()).get(`ucwa_proxy_${series}`);
  return { pool, proxy, client, count };
}

const bind = { UCWA_PROXY_UPSTREAM_CONNECTION_AUTH: 'bind' };
const bearer = ['Authorization: Bearer cwt=ben'];
const modes = ['adaptive', 'fixed', 'off'];
const spellings = ['NTLM', 'ntlm', 'Negotiate', 'NEGOTIATE', 'Nego2', 'nego2'];

describe.each(modes)('in batching mode %s', (mode) => {
  test.each(spellings)(
    'a client that signs in by %s is signed in, and no other client is',
    async (scheme) => {
      const { pool, client, count } = await start({ ...bind, UCWA_PROXY_BATCHING_MODE: mode });
      const [alice, bob, carol] = [client(), client(), client()];
      // Alice's first request uses a connection that others use later.
      expect((await alice.ask(webTicket)).status).toBe(401);
      expect((await alice.signIn('alice', scheme)).said?.user).toBe('alice');
      expect((await alice.ask('/abs/handler')).said?.user).toBe('alice');
      expect((await bob.ask('/abs/handler')).said?.user).toBeNull();
      expect((await bob.ask(webTicket)).status).toBe(401);
      expect((await bob.ask(me, bearer)).said).toMatchObject({ user: null });
      const answers = await Promise.all([carol.ask(me, bearer), client().ask(me, bearer)]);
      expect(answers.map(({ said }) => said?.user)).toEqual([null, null]);
      expect((await alice.ask(me, bearer)).said?.user).toBe('alice');
      alice.raw.leave();
      await pool.untilOpen(
        pool.connections.filter(({ user, isOpen }) => isOpen && user === null).length,
      );
      expect((await bob.ask('/abs/handler')).said?.user).toBeNull();
      expect(await count('invariant_violations_total{invariant="own_connection"}')).toBe(0);
    },
  );
});

describe('by default, a credential that signs in a connection', () => {
  test.each([
    ...['NTLM T1', 'ntlm T3-alice', 'Negotiate T1', 'Nego2 T1', 'Kerberos abc', 'Digest a="b"'],
    ...['NTLM\tT3-alice', 'Unknown abc', 'Bearer a, NTLM T3-alice'],
  ])('does not reach the pool: %s', async (credential) => {
    const { pool, client, count } = await start({});
    const { status, head } = await client().ask(webTicket, [`Authorization: ${credential}`]);
    expect(status).toBe(501);
    expect(head).toMatch(/^Connection: close$/im);
    const answer = client().raw;
    answer.send(`GET ${me} HTTP/1.1\r\nHost: p\r\nAuthorization: ${credential}\r\n\r\n`);
    const { body } = await answer.readAnswer();
    expect(JSON.parse(body.toString())).toMatchObject({
      type: 'urn:ucwa-batch-proxy:problem:refused-connection-auth',
      title: expect.stringContaining('upstream.connectionAuth') as unknown,
      executed: 'no',
    });
    expect(pool.connections).toEqual([]);
    expect(await count('refused_total{reason="connection_auth"}')).toBe(2);
  });

  test('is not offered if the pool also offers another scheme', async () => {
    const challenges = ['Negotiate', 'NTLM', 'MsRtcOAuth href="https://p/t",grant_type="password"'];
    const { client } = await start({}, { challenges });
    const { status, head } = await client().ask(webTicket);
    expect(status).toBe(401);
    expect(head.match(/^WWW-Authenticate: .*$/gim)).toEqual([
      'WWW-Authenticate: MsRtcOAuth href="https://p/t",grant_type="password"',
    ]);
  });

  test('is offered unchanged if the pool offers nothing else', async () => {
    const { client } = await start({});
    const { head } = await client().ask(webTicket);
    expect(head.match(/^WWW-Authenticate: .*$/gim)).toEqual([
      ...['WWW-Authenticate: Negotiate', 'WWW-Authenticate: NTLM'],
    ]);
  });
});

describe('a client that signs in by connection', () => {
  test('has one connection to the pool, which closes with its own', async () => {
    const { pool, proxy, client, count } = await start(bind);
    const alice = client();
    await alice.signIn('alice');
    for (const target of [webTicket, '/abs/handler', me, `${me}/photo`]) {
      expect((await alice.ask(target, bearer)).said?.user).toBe('alice');
    }
    expect(pool.connections.map(({ requests }) => requests)).toEqual([6]);
    expect(await count('bound_connections')).toBe(1);
    alice.raw.leave();
    await pool.untilOpen(0);
    await proxy.untilMetric('ucwa_proxy_bound_connections', (value) => value === 0);
  });

  test('has it from the first challenge on, before it sends a credential', async () => {
    const { pool, client, count } = await start(bind);
    const alice = client();
    expect((await alice.ask('/abs/handler')).said?.connection).toBe(0);
    expect((await alice.ask(webTicket)).status).toBe(401);
    const { said } = await alice.ask('/abs/handler');
    expect(pool.connections[said?.connection ?? 0]?.requests).toBe(1);
    expect(await count('bound_connections')).toBe(1);
  });

  test('has its pipelined requests run in turn on that connection', async () => {
    const { pool, client } = await start(bind);
    const alice = client();
    await alice.signIn('alice');
    for (let n = 0; n < 5; n += 1) alice.send(`/abs/${n}`);
    for (let n = 0; n < 5; n += 1) expect((await alice.read()).said?.user).toBe('alice');
    expect(pool.connections).toHaveLength(1);
  });

  test('signs in anew after one of its requests was aborted', async () => {
    const { pool, client } = await start(bind);
    const alice = client();
    await alice.signIn('alice');
    alice.send(unanswered);
    alice.raw.leave();
    await pool.untilOpen(0);
    expect((await client().ask('/abs/handler')).said?.user).toBeNull();
  });

  test('keeps no connection that is idle for longer than upstream.boundIdleMs', async () => {
    const { pool, client } = await start({ ...bind, UCWA_PROXY_UPSTREAM_BOUND_IDLE_MS: '1000' });
    const alice = client();
    await alice.signIn('alice');
    await pool.untilOpen(0);
    expect((await alice.ask('/abs/handler')).said?.user).toBeNull();
  });

  test('keeps no connection that is older than upstream.boundMaxAgeMs, except during a handshake', async () => {
    const { pool, client } = await start({
      ...bind,
      UCWA_PROXY_UPSTREAM_BOUND_MAX_AGE_MS: '1000',
    });
    const alice = client();
    await alice.ask(webTicket, ['Authorization: NTLM T1']);
    // No event reports the age of a connection.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const { said } = await alice.ask(webTicket, ['Authorization: NTLM T3-alice']);
    expect(said).toMatchObject({ user: 'alice', connection: 0 });
    await pool.untilOpen(0);
  });
});

describe('at upstream.maxBoundConnections', () => {
  const capped = { ...bind, UCWA_PROXY_UPSTREAM_MAX_BOUND_CONNECTIONS: '2' };

  test('the connection that has been idle for longest makes room', async () => {
    const { client, count } = await start(capped);
    const [alice, bob, carol] = [client(), client(), client()];
    await alice.signIn('alice');
    await bob.signIn('bob');
    await alice.ask('/abs/handler');
    expect((await carol.signIn('carol')).said?.user).toBe('carol');
    expect(await count('bound_connections')).toBe(2);
    expect((await alice.ask('/abs/handler')).said?.user).toBe('alice');
    expect((await bob.ask('/abs/handler')).said?.user).toBeNull();
  });

  test('a client gets 503 if all connections are in use', async () => {
    const { client, count } = await start(capped);
    const busy = [client(), client()];
    await busy[0]?.signIn('alice');
    await busy[1]?.signIn('bob');
    for (const one of busy) one.send(unanswered);
    const asked = await client().ask('/abs/handler');
    expect(asked.said?.user).toBeNull();
    const { status, head } = await client().ask(webTicket, ['Authorization: NTLM T1']);
    expect(status).toBe(503);
    expect(head).toMatch(/^Retry-After: 1$/m);
    expect(await count('refused_total{reason="bound_connections"}')).toBe(1);
  });
});

describe('behind another proxy, which shares connections among users,', () => {
  test.each<[string, Record<string, string>, string[]]>([
    ['a trusted peer', { UCWA_PROXY_LISTEN_TRUSTED_PROXIES: '127.0.0.1/32' }, []],
    ['a Via', {}, ['Via: 1.1 gateway']],
    ['a Forwarded', {}, ['Forwarded: for=10.0.0.1']],
    ['an X-Forwarded-For', {}, ['X-Forwarded-For: 10.0.0.1']],
    ['an X-Forwarded-Proto', {}, ['X-Forwarded-Proto: https']],
  ])('sign-in by connection is refused in mode bind too: %s', async (_, env, fields) => {
    const challenges = ['NTLM', 'Bearer trusted_issuers=""'];
    const { pool, client, count } = await start({ ...bind, ...env }, { challenges });
    const { head } = await client().ask(webTicket, fields);
    expect(head).not.toMatch(/NTLM/);
    const { status } = await client().ask(webTicket, [...fields, 'Authorization: NTLM T1']);
    expect(status).toBe(501);
    expect(pool.handshakes).toBe(0);
    expect(await count('refused_total{reason="connection_auth"}')).toBe(1);
  });

  test('a request with a sign of another proxy closes the bound connection', async () => {
    const { pool, client } = await start(bind);
    const alice = client();
    await alice.signIn('alice');
    expect((await alice.ask('/abs/handler', ['Via: 1.1 gateway'])).status).toBe(501);
    await pool.untilOpen(0);
  });
});

test('a connection on which the pool has offered a sign-in serves no other client', async () => {
  const { pool, client } = await start({});
  expect((await client().ask(webTicket)).status).toBe(401);
  await pool.untilOpen(0);
  expect((await client().ask('/abs/handler')).said?.connection).toBe(1);
});

test("Via names the proxy in each kind of request, after the client's own value", async () => {
  const { client } = await start({});
  const passed = await client().ask('/abs/handler', ['Via: 1.0 fred']);
  const single = await client().ask(me, [...bearer, 'Via: 1.0 fred', 'X-Ucwa-Batch: never']);
  expect(passed.said?.via).toBe('1.0 fred, 1.1 ucwa-batch-proxy');
  expect(single.said?.via).toBe('1.0 fred, 1.1 ucwa-batch-proxy');
  const { client: other } = await start({ UCWA_PROXY_BATCHING_MODE: 'fixed' });
  const batched = await Promise.all([other().ask(me, bearer), other().ask(`${me}?b`, bearer)]);
  expect(batched.map(({ said }) => said?.via)).toEqual(Array(2).fill('1.1 ucwa-batch-proxy'));
});
