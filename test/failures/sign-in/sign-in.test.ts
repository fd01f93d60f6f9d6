/**
 * Real handshakes of NTLM and Negotiate, by curl and by pyspnego, with a pool that signs in
 * connections as IIS does. If the proxy binds connections, the handshakes complete, and no client
 * is answered as another one.
 */
import { expect } from '@jest/globals';
import { onlyWith } from '../../support/real-parts.ts';
import { app } from '../../support/ucwa-client.ts';
import {
  curl,
  me,
  note,
  open,
  protocols,
  SignInClient,
  signInPython,
  startBinding,
  startSignInPool,
  ticket,
  type Heard,
  type PoolWord,
  type Protocol,
  type User,
} from './parts.ts';
import { Stranger } from './stranger.ts';

const testWithSignIn = onlyWith('curl', signInPython);

function words(answers: readonly Heard[]): Array<Partial<PoolWord> & { status: number }> {
  return answers.map(({ status, pool: { signedInAs, bodyBytes } }) => ({
    status,
    signedInAs,
    bodyBytes,
  }));
}

function connectionsOf(answers: readonly Heard[]): Set<number> {
  return new Set(answers.map(({ pool }) => pool.connection));
}

testWithSignIn(
  'control: without a proxy, the pool answers each request on a signed-in connection as its user',
  async () => {
    const pool = await startSignInPool();
    const client = new SignInClient(pool.url, 'ntlm', 'alice');
    const before = await client.plain(open);
    const signedIn = await client.signIn(ticket);
    const after = await client.plain(open);
    expect([before, signedIn, after].map((answer) => answer.pool.signedInAs)).toEqual([
      null,
      'alice',
      'alice',
    ]);
    const { answers } = await curl(pool.url, 'bob', [ticket, open]);
    expect(answers.map((answer) => answer.pool.signedInAs)).toEqual(['bob', 'bob']);
  },
);

testWithSignIn(
  'curl signs in by NTLM, and its GETs and POSTs are answered as its user',
  async () => {
    const { pool, proxy } = await startBinding();
    const got = await curl(proxy.url, 'alice', [ticket, me, open]);
    const posted = await curl(
      proxy.url,
      'bob',
      [ticket, note],
      ['--ntlm', '--data', 'written by bob'],
    );

    const read = { status: 200, signedInAs: 'alice', bodyBytes: 0 };
    const written = { status: 200, signedInAs: 'bob', bodyBytes: 14 };
    expect(words(got.answers)).toEqual([read, read, read]);
    expect(words(posted.answers)).toEqual([written, written]);
    expect([got, posted].map(({ connects, credentials }) => ({ connects, credentials }))).toEqual([
      { connects: 1, credentials: 2 },
      { connects: 1, credentials: 2 },
    ]);
    expect(connectionsOf(got.answers).size).toBe(1);
    expect(connectionsOf(posted.answers).size).toBe(1);
    expect(await pool.tally()).toMatchObject({ signIns: 2 });
  },
);

testWithSignIn('curl asks first, gets a challenge and then signs in by NTLM', async () => {
  const { proxy } = await startBinding({}, '--offer', 'NTLM');
  const { answers, connects } = await curl(proxy.url, 'alice', [ticket, me], ['--anyauth']);
  const read = { status: 200, signedInAs: 'alice', bodyBytes: 0 };
  expect(words(answers)).toEqual([read, read]);
  expect(connects).toBe(1);
});

testWithSignIn.each(protocols)(
  '%s completes with GET and with POST, and the pool sees that a proxy stands between',
  async (protocol) => {
    const { proxy } = await startBinding();
    const reader = new SignInClient(proxy.url, protocol, 'alice');
    const offered = await reader.plain(ticket);
    expect(offered).toMatchObject({ status: 401, challenges: ['Negotiate', 'NTLM'] });
    const got = await reader.signIn(ticket);
    const writer = new SignInClient(proxy.url, protocol, 'bob');
    const posted = await writer.signIn(note, { method: 'POST', body: 'written by bob' });

    expect(words([got, posted])).toEqual([
      { status: 200, signedInAs: 'alice', bodyBytes: 0 },
      { status: 200, signedInAs: 'bob', bodyBytes: 14 },
    ]);
    expect(got.pool.via).toBe('1.1 ucwa-batch-proxy');
    expect([got.isMutual, posted.isMutual]).toEqual(Array(2).fill(protocol === 'negotiate'));
  },
);

testWithSignIn.each(protocols)(
  "after %s each request on the client's connection is answered as its user",
  async (protocol) => {
    const { pool, proxy } = await startBinding();
    const client = new SignInClient(proxy.url, protocol, 'alice');
    const bearer = { Authorization: 'Bearer cwt=of-alice' };
    const answers = [
      await client.signIn(ticket),
      await client.plain(me),
      await client.plain(note, { method: 'POST', body: 'written by alice' }),
      await client.plain(me, { fields: bearer }),
      await client.plain(`${app}/batch`, { method: 'POST', body: 'a batch of its own' }),
      await client.plain(open),
      await client.plain(ticket),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 404, 200, 200]);
    expect(answers.map((answer) => answer.pool.signedInAs)).toEqual(Array(7).fill('alice'));
    expect(connectionsOf(answers).size).toBe(1);
    expect(await pool.tally()).toMatchObject({ credentials: 2, signIns: 1 });
  },
);

testWithSignIn.each(protocols)(
  'a client without a sign-in is never answered as one that signs in by %s: not before, during or after it, and not after that client leaves',
  async (protocol) => {
    const { proxy } = await startBinding();
    const client = new SignInClient(proxy.url, protocol, 'alice');
    const stranger = new Stranger(proxy.port);
    await stranger.look();
    const mine = [await client.begin(ticket)];
    await stranger.look();
    mine.push(await client.finish(ticket));
    await stranger.look();
    mine.push(await client.plain(me));
    await stranger.look();
    expect(mine.map((answer) => answer.pool.signedInAs)).toEqual([null, 'alice', 'alice']);
    await client.leave();
    await stranger.look();
    await proxy.untilMetric('ucwa_proxy_bound_connections', (bound) => bound === 0);
    await stranger.look();

    const theirs = new Set(stranger.told.map(({ connection }) => connection));
    expect([...connectionsOf(mine)].filter((connection) => theirs.has(connection))).toEqual([]);
    // On a new connection the client itself is not signed in either.
    expect(await client.plain(ticket)).toMatchObject({ status: 401, pool: { signedInAs: null } });
  },
  20_000,
);

testWithSignIn(
  'a client that gets a challenge has its own connection to the pool before it answers',
  async () => {
    const { pool, proxy } = await startBinding();
    const client = new SignInClient(proxy.url, 'ntlm', 'alice');
    const stranger = new Stranger(proxy.port);
    await client.plain(ticket);
    const mine = [await client.plain(open)];
    await stranger.look();
    mine.push(await client.plain(open), await client.begin(ticket));
    await stranger.look();
    mine.push(await client.finish(ticket));
    const theirs = stranger.told.map(({ connection }) => connection);
    expect([...connectionsOf(mine)]).toEqual([expect.any(Number)]);
    expect(theirs).not.toContain(mine[0]?.pool.connection);
    expect(await pool.tally()).toMatchObject({ signIns: 1 });
  },
);

testWithSignIn(
  'a client that leaves in the middle of a handshake leaves no sign-in behind',
  async () => {
    const { pool, proxy } = await startBinding();
    const client = new SignInClient(proxy.url, 'ntlm', 'alice');
    const stranger = new Stranger(proxy.port);
    await client.begin(ticket);
    await client.leave();
    await stranger.look();
    // The challenge belonged to the closed connection.
    expect(await client.finish(ticket)).toMatchObject({ status: 401, pool: { signedInAs: null } });
    await stranger.look();
    expect(await pool.tally()).toMatchObject({ signIns: 0 });
  },
);

testWithSignIn('two users who sign in at once each get their own answers', async () => {
  const { proxy } = await startBinding();
  const signedIn = async (user: User, protocol: Protocol): Promise<Heard[]> => {
    const client = new SignInClient(proxy.url, protocol, user);
    const answers = [await client.signIn(ticket)];
    for (let turn = 0; turn < 10; turn += 1) answers.push(await client.plain(turn % 2 ? me : open));
    return answers;
  };
  const paths = [ticket, me, open, me];
  const [alice, bob, aliceAgain, bobWithCurl, aliceWithCurl] = await Promise.all([
    signedIn('alice', 'ntlm'),
    signedIn('bob', 'negotiate'),
    signedIn('alice', 'negotiate'),
    curl(proxy.url, 'bob', paths),
    curl(proxy.url, 'alice', paths),
  ]);
  const all = [alice, bob, aliceAgain, bobWithCurl.answers, aliceWithCurl.answers];
  expect(all.map((answers) => new Set(answers.map(({ pool }) => pool.signedInAs)))).toEqual(
    ['alice', 'bob', 'alice', 'bob', 'alice'].map((user) => new Set([user])),
  );
  // Each client has its own connection to the pool.
  expect(all.map((answers) => connectionsOf(answers).size)).toEqual([1, 1, 1, 1, 1]);
  expect(connectionsOf(all.flat()).size).toBe(5);
});

testWithSignIn('a client may sign in again as another user on its connection', async () => {
  const { proxy } = await startBinding();
  const client = new SignInClient(proxy.url, 'ntlm', 'alice');
  const answers = [
    await client.signIn(ticket),
    await client.begin(ticket, {}, 'bob'),
    await client.finish(ticket),
    await client.plain(me),
  ];
  expect(answers.map((answer) => answer.pool.signedInAs)).toEqual(['alice', null, 'bob', 'bob']);
  expect(connectionsOf(answers).size).toBe(1);
});

testWithSignIn.each(protocols)(
  'a wrong password by %s stays 401 and signs in no user',
  async (protocol) => {
    const { pool, proxy } = await startBinding();
    const client = new SignInClient(proxy.url, protocol, 'alice', 'not-the-password-of-alice');
    const stranger = new Stranger(proxy.port);
    expect(await client.signIn(ticket)).toMatchObject({
      status: 401,
      challenges: ['Negotiate', 'NTLM'],
      pool: { signedInAs: null },
    });
    expect(await client.plain(open)).toMatchObject({ status: 200, pool: { signedInAs: null } });
    expect(await client.plain(me)).toMatchObject({ status: 401, pool: { signedInAs: null } });
    await stranger.look();
    expect(await pool.tally()).toMatchObject({ credentials: 2, signIns: 0 });
  },
);

testWithSignIn(
  'through a pool that forgets sign-ins of proxied requests, each request completes its own handshake',
  async () => {
    const { pool, proxy } = await startBinding({}, '--forgets-via');
    const got = await curl(proxy.url, 'alice', [ticket, me, open, ticket]);
    expect(got.answers.map((answer) => answer.pool.signedInAs)).toEqual([
      'alice',
      'alice',
      // The pool sends no challenge here, so curl does not sign in.
      null,
      'alice',
    ]);
    expect(got).toMatchObject({ connects: 1, credentials: 6 });
    for (const protocol of protocols) {
      const client = new SignInClient(proxy.url, protocol, 'bob');
      for (const path of [ticket, me]) {
        expect((await client.plain(path)).status).toBe(401);
        expect((await client.signIn(path)).pool.signedInAs).toBe('bob');
      }
    }
    expect(await pool.tally()).toMatchObject({ signIns: 7 });
  },
);
