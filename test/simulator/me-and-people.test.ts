import { describe, expect, test } from '@jest/globals';
import { bearer, json, send } from './http-client.ts';
import { base, call, pool, post } from './each-pool.ts';

describe('me', () => {
  test.each([
    ['me/note', 'message', '{"message":"out"}', 'application/json'],
    [
      'me/presence',
      'availability',
      '{"availability":"Busy"}',
      'application/vnd.microsoft.com.ucwa+json',
    ],
    [
      'me/location',
      'location',
      '<input><property name="location">here</property></input>',
      'application/xml',
    ],
  ])(
    '%s keeps the posted value, for the user and not for the application',
    async (path, property, body, type) => {
      const answer = await post(path, body, type);
      expect([answer.status, answer.body.length]).toEqual([204, 0]);
      expect(answer.headers).not.toHaveProperty('content-length');
      const kept = await send(`${pool.url}/ucwa/oauth/v1/applications/105/${path}`, {
        headers: bearer('ann-2'),
      });
      expect(json(kept)[property]).toBe(
        { message: 'out', availability: 'Busy', location: 'here' }[property],
      );
      const part = path === 'me/presence' ? 'presence' : path.slice(3);
      expect(json(await call(`people/ann@pool.example/${part}`))[property]).toBe(
        json(kept)[property],
      );
      const other = await send(`${pool.url}/ucwa/oauth/v1/applications/106/${path}`, {
        headers: bearer('bob'),
      });
      expect(json(other)[property]).not.toBe(json(kept)[property]);
    },
  );

  test('accepts a note in the query as well', async () => {
    await post('me/note?Message=a%20b');
    expect(json(await call('me/note'))['message']).toBe('a b');
  });

  test('has more links after makeMeAvailable', async () => {
    expect(json(await call('me'))['_links']).not.toHaveProperty('note');
    expect((await post('me/makeMeAvailable', '{"SupportedModalities":["Messaging"]}')).status).toBe(
      204,
    );
    expect(json(await call('me'))['_links']).toMatchObject({ note: { href: `${base}/me/note` } });
    expect((await post('me/reportMyActivity')).status).toBe(204);
    expect((await post('reportMyActivity')).status).toBe(204);
  });

  test('changes its call forwarding only by a PUT with etag and token', async () => {
    const before = await call('me/callForwardingSettings');
    const etag = before.headers.etag ?? '';
    const settings = json(before);
    const token =
      Object.keys(settings).find(
        (name) => settings[name] === 'please pass this in a PUT request',
      ) ?? '';
    const put = (headers: Record<string, string>, body: unknown) =>
      call('me/callForwardingSettings', {
        method: 'PUT',
        headers: { 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
    const good = { activeSetting: 'ImmediateForward', [token]: settings[token] };
    expect((await put({}, good)).status).toBe(428);
    expect((await put({ 'If-Match': '"1"' }, good)).status).toBe(412);
    expect((await put({ 'If-Match': etag }, { activeSetting: 'None' })).status).toBe(400);
    const changed = await put({ 'If-Match': etag }, good);
    expect([changed.status, json(changed)['activeSetting']]).toEqual([200, 'ImmediateForward']);
    expect((await put({ 'If-Match': etag }, good)).status).toBe(412);
  });
});

describe('people', () => {
  test('are found by name and address, up to a limit', async () => {
    const names = async (query: string) => {
      const found = json(await call(`people/search?${query}`))['_embedded'] as {
        contact: Array<{ name: string }>;
      };
      return found.contact.map(({ name }) => name);
    };
    expect(await names('query=birkby')).toEqual(['Dana Birkby']);
    expect(await names('query=sip:Kari.Hensien@pool.example')).toEqual(['Kari Hensien']);
    expect(await names('mail=a&limit=2')).toHaveLength(2);
    expect((await call('people/search')).status).toBe(400);
  });

  test('outside the address book also have a contact, with a constant presence', async () => {
    const [once, twice] = await Promise.all(
      [1, 2].map(() => call('people/sip:New@Elsewhere.example/presence')),
    );
    expect(json(once!)['_links']).toEqual({
      self: { href: `${base}/people/new@elsewhere.example/presence` },
    });
    expect(once!.body).toEqual(twice!.body);
  });

  test('have presence subscriptions, which can be extended and ended', async () => {
    const made = await post(
      'people/presenceSubscriptions',
      '{"duration":11,"uris":["sip:a@b.example"]}',
    );
    expect([made.status, json(made)]).toMatchObject([
      201,
      { rel: 'presenceSubscription', duration: 11 },
    ]);
    const path = `people/presenceSubscriptions/${String(json(made)['id'])}`;
    expect(json(await post(`${path}?duration=20`))['duration']).toBe(31);
    expect(json(await call(path))['duration']).toBe(31);
    const list = json(await call('people/presenceSubscriptions'))['_embedded'];
    expect(list).toMatchObject({ presenceSubscription: [{ duration: 31 }] });
    expect((await call(path, { method: 'DELETE' })).status).toBe(204);
    expect((await call(path)).status).toBe(404);
  });
});
