import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { bearer, json, send } from './http-client.ts';

const applications = '/ucwa/oauth/v1/applications';
let pool: Simulator;

beforeEach(async () => {
  pool = await startSimulator({ latency: 0 });
});
afterEach(() => pool.stop());

function create(user: string, endpoint: Record<string, string> = {}, path = applications) {
  const body = { UserAgent: 'test', EndpointId: 'e1', Culture: 'en-US', ...endpoint };
  const ticket = path === applications ? bearer(user) : { 'X-MS-WebTicket': `opaque=sim-${user}` };
  return send(pool.url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...ticket },
    body: JSON.stringify(body),
  });
}

async function createdPath(user: string): Promise<string> {
  const created = json(await create(user));
  return (created['_links'] as { self: { href: string } }).self.href;
}

describe('creating an application', () => {
  test('answers 201 with relative links and embedded resources', async () => {
    const answer = await create('ann');
    expect(answer.status).toBe(201);
    const body = json(answer);
    const self = (body['_links'] as { self: { href: string } }).self.href;
    expect(self).toMatch(/^\/ucwa\/oauth\/v1\/applications\/\d{12}$/);
    expect(body).toMatchObject({
      id: self.split('/').at(-1),
      culture: 'en-US',
      endpointId: 'e1',
      userAgent: 'test',
      _links: {
        policies: { href: `${self}/policies` },
        batch: { href: `${self}/batch` },
        events: { href: `${self}/events?ack=1` },
      },
      _embedded: {
        me: {
          rel: 'me',
          uri: 'sip:ann@pool.example',
          _links: { makeMeAvailable: { href: `${self}/me/makeMeAvailable` } },
        },
        people: { rel: 'people', _links: { myContacts: { href: `${self}/people/contacts` } } },
        onlineMeetings: { rel: 'onlineMeetings' },
        communication: {
          rel: 'communication',
          _links: { startMessaging: { href: `${self}/communication/messagingInvitations` } },
        },
      },
      rel: 'application',
    });
    const [cookie] = answer.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(
      /^cwt_ucwa=[\w-]{43}; path=\/ucwa\/oauth\/v1\/applications\/\d{12}\/photos; secure; HttpOnly$/,
    );
  });

  test('answers 200 with the same application for the same endpoint, and 201 for another endpoint', async () => {
    const first = await create('ann');
    const second = await create('ann');
    const other = await create('ann', { EndpointId: 'e2' });
    const foreign = await create('bob');
    expect([second.status, other.status, foreign.status]).toEqual([200, 201, 201]);
    expect(second.body).toEqual(first.body);
  });

  test('needs an endpoint id', async () => {
    const answer = await send(pool.url + applications, { method: 'POST', headers: bearer('ann') });
    expect([answer.status, json(answer)['subcode']]).toEqual([400, 'ParameterValidationFailure']);
  });

  test('accepts a web ticket in URLs below /ucwa/v1, and links to these URLs', async () => {
    const answer = await create('ann', {}, '/ucwa/v1/applications');
    expect(answer.status).toBe(201);
    const { self } = json(answer)['_links'] as { self: { href: string } };
    expect(self.href).toMatch(/^\/ucwa\/v1\/applications\/\d{12}$/);
    const me = await send(`${pool.url}${self.href}/me`, {
      headers: { 'X-MS-WebTicket': 'opaque=sim-ann-2' },
    });
    expect(me.status).toBe(200);
    expect((await send(`${pool.url}${self.href}/me`, { headers: bearer('ann') })).status).toBe(401);
    expect(pool.ledger.entries().map(({ credential }) => credential)).toEqual([
      'webTicket',
      'webTicket',
    ]);
  });

  test('with an instance id gives this browser tab its own event channel', async () => {
    const { _links: links } = json(await create('ann', { instanceId: 't 1' })) as unknown as {
      _links: Record<string, { href: string }>;
    };
    expect(links['self']?.href).toMatch(/\?instanceId=t%201$/);
    expect(links['events']?.href).toMatch(/\/events\?ack=1&instanceId=t%201$/);
  });
});

describe('an application', () => {
  test('accepts any token of its user, and no other user', async () => {
    const path = pool.url + (await createdPath('ann'));
    const get = (headers: Record<string, string>) => send(`${path}/me`, { headers });
    expect((await get(bearer('ann-phone'))).status).toBe(200);
    const foreign = await get(bearer('bob'));
    expect([foreign.status, json(foreign)]).toMatchObject([
      404,
      { code: 'NotFound', subcode: 'ApplicationNotFound' },
    ]);
    const anonymous = await get({});
    expect(anonymous.status).toBe(401);
    expect(anonymous.rawHeaders.filter((name) => name === 'WWW-Authenticate')).toHaveLength(2);
  });

  test('exists until it is deleted, and sets the photo cookie with each GET', async () => {
    const path = pool.url + (await createdPath('ann'));
    const found = await send(path, { headers: bearer('ann') });
    expect([found.status, found.headers['set-cookie']?.length]).toEqual([200, 1]);
    expect((await send(path, { method: 'DELETE', headers: bearer('ann') })).status).toBe(204);
    for (const below of ['', '/me', '/events?ack=1']) {
      const gone = await send(path + below, { headers: bearer('ann') });
      expect([gone.status, json(gone)['subcode']]).toEqual([404, 'ApplicationNotFound']);
    }
  });

  test('with an unknown id gets 404', async () => {
    const answer = await send(`${pool.url}${applications}/104/me`, { headers: bearer('ann') });
    expect([answer.status, json(answer)['subcode']]).toEqual([404, 'ApplicationNotFound']);
  });

  test('accepts the cookie as a credential for photos only', async () => {
    const created = await create('ann');
    const cookie = created.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    const { self } = json(created)['_links'] as { self: { href: string } };
    const photo = await send(`${pool.url}${self.href}/photos/bob@pool.example`, {
      headers: { Cookie: `a=b; ${cookie}` },
    });
    expect(photo.status).toBe(200);
    expect(photo.headers).toMatchObject({
      'content-type': 'image/png',
      'cache-control': 'private',
    });
    expect(Date.parse(photo.headers.expires ?? '')).toBeGreaterThan(Date.now());
    expect(photo.headers).not.toHaveProperty('pragma');
    expect(photo.body.subarray(1, 4).toString()).toBe('PNG');
    expect((await send(`${pool.url}${self.href}/me`, { headers: { Cookie: cookie } })).status).toBe(
      401,
    );
    const wrong = await send(`${pool.url}${self.href}/photos/bob@pool.example`, {
      headers: { Cookie: 'cwt_ucwa=x' },
    });
    expect(wrong.status).toBe(401);
    expect(pool.ledger.entries().at(-1)).toMatchObject({ user: 'ann', credential: 'cookie' });
  });
});

test('with applications "any" the first user of an id owns the application until it is deleted', async () => {
  await pool.stop();
  pool = await startSimulator({ latency: 0, applications: 'any' });
  const path = `${pool.url}${applications}/104`;
  const statusFor = async (user: string, method = 'GET') =>
    (await send(path, { method, headers: bearer(user) })).status;
  expect(await statusFor('ann')).toBe(200);
  expect(await statusFor('bob')).toBe(404);
  expect(await statusFor('ann', 'DELETE')).toBe(204);
  expect(await statusFor('bob')).toBe(404);
});
