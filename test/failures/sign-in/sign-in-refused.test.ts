/**
 * Sign-in by a connection, which the proxy refuses unless it is told to bind, and refuses of other proxies
 * in any case.
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
  'where the proxy refuses, no message of a handshake reaches the pool and nobody is signed in',
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
  'where the proxy refuses, a client is not shown challenges that it could not answer, if it has another way',
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
  'where the proxy refuses and the pool offers nothing else, the client is shown what the pool wants',
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
  'where the proxy refuses, curl that asks first is refused when it answers the challenge',
  async () => {
    const { pool, proxy } = await startRefusing('--offer', 'NTLM');
    const { answers } = await curl(proxy.url, 'alice', [ticket], ['--anyauth']);
    expect(answers).toMatchObject([refused]);
    expect(await pool.tally()).toMatchObject({ requests: 1, credentials: 0, signIns: 0 });
  },
);

testWithSignIn(
  'behind a trusted proxy, whose connections carry many users, sign-in is refused even where the proxy binds',
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
  'sign-in that says that it came through a proxy is refused even where the proxy binds',
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
