import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { bearer, json, send } from '../http-client.ts';

let pool: Simulator;

beforeEach(async () => {
  pool = await startSimulator({ latency: 0 });
});
afterEach(() => pool.stop());

const root = '/autodiscover/autodiscoverservice.svc/root';

function signIn(form: string) {
  return send(`${pool.url}/WebTicket/oauthtoken`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded;charset=UTF-8' },
    body: form,
  });
}

describe('discovery', () => {
  test.each(['/', root, '/Autodiscover/AutodiscoverService.svc/Root?sipuri=a'])(
    'at %s has absolute links to the user resource',
    async (path) => {
      expect(json(await send(pool.url + path))).toEqual({
        _links: {
          self: { href: `${pool.url}${root}` },
          user: { href: `${pool.url}${root}/oauth/user` },
          xframe: { href: `${pool.url}/Autodiscover/XFrame/XFrame.html` },
        },
        rel: 'root',
      });
    },
  );

  test('answers a request without a token with 401, two challenges and a page', async () => {
    const answer = await send(`${pool.url}${root}/oauth/user?originalDomain=pool.example`);
    expect(answer.status).toBe(401);
    expect(answer.headers['content-type']).toBe('text/html');
    const challenges = answer.rawHeaders.filter(
      (_, i) => answer.rawHeaders[i - 1] === 'WWW-Authenticate',
    );
    expect(challenges).toEqual([
      'Bearer trusted_issuers="", client_id="00000004-0000-0ff1-ce00-000000000000"',
      `MsRtcOAuth href="${pool.url}/webticket/oauthtoken",grant_type="urn:microsoft.rtc:windows,urn:microsoft.rtc:anonmeeting,password"`,
    ]);
    expect(answer.headers).toHaveProperty('x-ms-diagnostics');
  });

  test('has links to publicUrl, if it is set', async () => {
    await pool.stop();
    pool = await startSimulator({ latency: 0, publicUrl: 'https://lync.example' });
    const links = json(await send(`${pool.url}${root}/oauth/user`, { headers: bearer('ann') }))[
      '_links'
    ];
    expect(links).toMatchObject({
      applications: { href: 'https://lync.example/ucwa/oauth/v1/applications' },
    });
  });

  test('has an XFrame page', async () => {
    const answer = await send(`${pool.url}/Autodiscover/XFrame/XFrame.html`);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/html']);
  });

  test('answers 404 for other paths', async () => {
    const answer = await send(`${pool.url}/favicon.ico`);
    expect([answer.status, answer.headers['content-type']]).toEqual([404, 'text/html']);
  });
});

describe('a token', () => {
  test('is issued for a password, and is accepted by discovery and applications', async () => {
    const granted = await signIn(
      'grant_type=password&username=DOMAIN%5CAnn@pool.example&password=x',
    );
    expect(granted.status).toBe(200);
    expect(granted.headers['cache-control']).toBe('no-store');
    const token = json(granted);
    expect(token).toEqual({
      access_token: expect.stringMatching(/^cwt=[\w-]{64}$/),
      expires_in: 28800,
      ms_rtc_identityscope: 'local',
      token_type: 'Bearer',
    });
    const headers = { Authorization: `Bearer ${String(token['access_token'])}` };
    const user = await send(`${pool.url}${root}/oauth/user`, { headers });
    expect([user.status, json(user)['_links']]).toMatchObject([
      200,
      { applications: { href: `${pool.url}/ucwa/oauth/v1/applications` } },
    ]);
    const created = await send(`${pool.url}/ucwa/oauth/v1/applications`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: '{"EndpointId":"e"}',
    });
    expect(created.status).toBe(201);
    expect(pool.ledger.entries().at(-1)?.user).toBe('ann');
  });

  test.each([
    ['a wrong password', 'grant_type=password&username=ann&password=wrong', 'invalid_grant'],
    ['no name', 'grant_type=password&password=x', 'invalid_grant'],
    ['another grant', 'grant_type=urn:microsoft.rtc:windows', 'unsupported_grant_type'],
  ])('is refused for %s with 400', async (_, form, error) => {
    const answer = await signIn(form);
    expect([answer.status, json(answer)['error']]).toEqual([400, error]);
  });

  test('is issued only for a POST', async () => {
    const answer = await send(`${pool.url}/webticket/oauthtoken`);
    expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
  });
});
