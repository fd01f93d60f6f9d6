import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { bearer, json, send } from '../http-client.ts';

let pool: Simulator;

beforeEach(async () => {
  pool = await startSimulator({ latency: 0 });
});
afterEach(() => pool.stop());

const root = '/Autodiscover/AutodiscoverService.svc/root';

function signIn(form: string) {
  return send(`${pool.url}/WebTicket/oauthtoken`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded;charset=UTF-8' },
    body: form,
  });
}

describe('discovery', () => {
  test.each(['/', root, '/autodiscover/autodiscoverservice.svc/Root?sipuri=a'])(
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
      `MsRtcOAuth href="${pool.url}/WebTicket/oauthtoken",grant_type="urn:microsoft.rtc:windows,urn:microsoft.rtc:anonmeeting,password"`,
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

  test.each(['/Autodiscover/XFrame/XFrame.html', '/xframe'])(
    'has an XFrame page at %s',
    async (path) => {
      const answer = await send(pool.url + path);
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/html']);
    },
  );

  test('answers 404 for other paths', async () => {
    const answer = await send(`${pool.url}/favicon.ico`);
    expect([answer.status, answer.headers['content-type']]).toEqual([404, 'text/html']);
  });
});

/** Form of a guest who joins the meeting with the id 12345678. */
function guest(password: string): string {
  const uri = 'sip:ann@pool.example;gruu;opaque=app:conf:focus:id:12345678';
  return `grant_type=urn:microsoft.rtc:anonmeeting&ms_rtc_conferenceuri=${encodeURIComponent(uri)}&password=${password}`;
}

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
    ['another grant', 'grant_type=urn:microsoft.rtc:passive', 'unsupported_grant_type'],
    ['a wrong conference id', guest('12345679'), 'invalid_grant'],
    ['a bad conference uri', 'grant_type=urn:microsoft.rtc:anonmeeting', 'invalid_grant'],
  ])('is refused for %s with 400', async (_, form, error) => {
    const answer = await signIn(form);
    expect([answer.status, json(answer)['error']]).toEqual([400, error]);
  });

  test('is issued only for a POST', async () => {
    const answer = await send(`${pool.url}/webticket/oauthtoken`);
    expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
  });
});

test('a guest of a meeting gets a token, and creates an application at anonApplications', async () => {
  const granted = json(await signIn(guest('12345678')));
  expect(granted['expires_in']).toBe(3600);
  const headers = { Authorization: `Bearer ${String(granted['access_token'])}` };
  const user = json(await send(`${pool.url}${root}/oauth/user`, { headers }));
  const href = `${pool.url}/ucwa/oauth/v1/anonApplications`;
  expect(user['_links']).toMatchObject({ anonApplications: { href } });
  const request = { method: 'POST', body: '{"EndpointId":"e"}' };
  const type = { 'Content-Type': 'application/json' };
  const created = await send(href, { ...request, headers: { ...headers, ...type } });
  expect(created.status).toBe(201);
  const application = json(created) as { _links: { self: { href: string } }; _embedded: object };
  expect(application._links.self.href).toMatch(/^\/ucwa\/oauth\/v1\/applications\/\d{12}$/);
  expect(Object.keys(application._embedded)).toEqual(['me', 'communication']);
  const other = await send(href, { ...request, headers: { ...bearer('ann'), ...type } });
  expect(other.status).toBe(403);
});

describe('with several sites', () => {
  const names = {
    discoveryUrl: 'http://lyncdiscover.pool.example',
    publicUrl: 'http://lyncweb.pool.example/',
    homeUrl: 'http://home.pool.example',
  };
  const at = (host: string, path: string, headers: Readonly<Record<string, string>> = {}) =>
    send(pool.url + path, { headers: { Host: host, ...headers } });
  const links = async (host: string, path: string, headers = {}) =>
    json(await at(host, path, headers))['_links'] as Record<string, { href: string } | undefined>;

  beforeEach(() => pool.setSites(names));

  test('each document links to the site of the next step', async () => {
    const first = await links('lyncdiscover.pool.example', '/');
    expect(first['self']?.href).toBe(`http://lyncweb.pool.example${root}`);
    expect(first['user']?.href).toBe(`http://lyncweb.pool.example${root}/oauth/user`);
    const redirected = await links('lyncdiscover.pool.example', `${root}/oauth/user`);
    expect(redirected['redirect']?.href).toBe(`http://lyncweb.pool.example${root}`);
    const user = await links('lyncweb.pool.example', `${root}/oauth/user`, bearer('ann'));
    expect(user['applications']?.href).toBe('http://home.pool.example/ucwa/oauth/v1/applications');
    const challenged = await at('home.pool.example', '/ucwa/oauth/v1/applications');
    expect(challenged.rawHeaders.join()).toContain('href="http://home.pool.example/WebTicket');
  });

  test('a token of one site gets 500 at another', async () => {
    const form = 'grant_type=password&username=ann&password=x';
    const granted = await send(`${pool.url}/webticket/oauthtoken`, {
      ...{ method: 'POST', body: form, headers: { Host: 'lyncweb.pool.example' } },
    });
    const token = { Authorization: `Bearer ${String(json(granted)['access_token'])}` };
    expect((await at('lyncweb.pool.example', `${root}/oauth/user`, token)).status).toBe(200);
    const foreign = await at('home.pool.example', '/ucwa/oauth/v1/applications', token);
    expect([foreign.status, foreign.headers['x-ms-diagnostics']]).toEqual([
      500,
      '28032;source="fe01.pool.example";reason="The web ticket is invalid."',
    ]);
  });
});
