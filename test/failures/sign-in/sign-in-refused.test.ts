/**
 * The proxy refuses sign-in by connection unless the settings tell it to bind connections. It
 * always refuses sign-in by connection from other proxies.
 */
import { expect } from '@jest/globals';
import { onlyWith } from '../../support/real-parts.ts';
import {
  curl,
  me,
  open,
  protocols,
  SignInClient,
  signInPython,
  startBinding,
  startRefusing,
  ticket,
} from './parts.ts';

const testWithSignIn = onlyWith('curl', signInPython);

const refused = {
  status: 501,
  body: expect.stringContaining('urn:ucwa-batch-proxy:problem:refused-connection-auth'),
};
const refusedSeries = 'ucwa_proxy_refused_total{reason="connection_auth"}';

testWithSignIn(
  'if the proxy refuses sign-in by connection, no handshake message reaches the pool and no user is signed in',
  async () => {
    const { pool, proxy } = await startRefusing();
    const withCurl = await curl(proxy.url, 'alice', [ticket]);
    const begun = [];
    for (const protocol of protocols) {
      const client = new SignInClient(proxy.url, protocol, 'bob');
      for (const path of [ticket, me, open]) {
        begun.push(await client.begin(path));
        await client.leave();
      }
    }
    const answers = [...withCurl.answers, ...begun];
    expect(answers.map(({ status, body }) => ({ status, body }))).toEqual(Array(7).fill(refused));
    expect(await pool.tally()).toEqual({ connections: 0, requests: 0, credentials: 0, signIns: 0 });
    expect((await proxy.metrics()).get(refusedSeries)).toBe(7);
  },
);

testWithSignIn(
  'if the proxy refuses sign-in by connection, it removes those challenges as long as another one remains',
  async () => {
    const other = 'MsRtcOAuth href="https://pool.example/WebTicket/oauthtoken"';
    const offers = ['Negotiate', 'NTLM', other].flatMap((offer) => ['--offer', offer]);
    const { proxy } = await startRefusing(...offers);
    const client = new SignInClient(proxy.url, 'ntlm', 'alice');
    for (const path of [ticket, me]) {
      expect(await client.plain(path)).toMatchObject({ status: 401, challenges: [other] });
    }
  },
);

testWithSignIn(
  "if the proxy refuses sign-in by connection and the pool offers nothing else, the client gets the pool's challenges",
  async () => {
    const { pool, proxy } = await startRefusing();
    const client = new SignInClient(proxy.url, 'ntlm', 'alice');
    for (const path of [ticket, me]) {
      expect(await client.plain(path)).toMatchObject({
        status: 401,
        challenges: ['Negotiate', 'NTLM'],
      });
    }
    expect(await pool.tally()).toMatchObject({ credentials: 0, signIns: 0 });
  },
);

testWithSignIn(
  'if the proxy refuses sign-in by connection, curl is refused when it answers the challenge',
  async () => {
    const { pool, proxy } = await startRefusing('--offer', 'NTLM');
    const { answers } = await curl(proxy.url, 'alice', [ticket], ['--anyauth']);
    expect(answers).toMatchObject([refused]);
    expect(await pool.tally()).toMatchObject({ requests: 1, credentials: 0, signIns: 0 });
  },
);

testWithSignIn(
  'behind a trusted proxy that shares connections among users, sign-in is refused even if the proxy binds',
  async () => {
    const { pool, proxy } = await startBinding({
      UCWA_PROXY_LISTEN_TRUSTED_PROXIES: '127.0.0.1/32',
    });
    const { answers } = await curl(proxy.url, 'alice', [ticket]);
    const begun = [];
    for (const protocol of protocols) {
      begun.push(await new SignInClient(proxy.url, protocol, 'bob').begin(ticket));
    }
    expect([...answers, ...begun]).toMatchObject([refused, refused, refused]);
    expect(await pool.tally()).toMatchObject({ credentials: 0, signIns: 0 });
  },
);

testWithSignIn(
  'sign-in with a sign of another proxy is refused even if the proxy binds',
  async () => {
    const { pool, proxy } = await startBinding();
    const client = new SignInClient(proxy.url, 'negotiate', 'alice');
    for (const [name, value] of [
      ['Via', '1.1 balancer'],
      ['Forwarded', 'for=192.0.2.1'],
      ['X-Forwarded-For', '192.0.2.1'],
      ['X-Forwarded-Proto', 'https'],
    ] as const) {
      const answer = await client.begin(ticket, { fields: { [name]: value } });
      expect([name, answer]).toMatchObject([name, refused]);
      await client.leave();
    }
    expect(await pool.tally()).toMatchObject({ credentials: 0, signIns: 0 });
  },
);
