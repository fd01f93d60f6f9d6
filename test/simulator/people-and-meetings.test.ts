/** Resources that clients edit: communication, groups, memberships, meetings, and subscriptions. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { newsIn } from './event-text.ts';
import { bearer, type ClientAnswer, json, send } from './http-client.ts';

const base = '/ucwa/oauth/v1/applications/104';
let pool: Simulator;

beforeEach(async () => {
  pool = await startSimulator({ latency: 0, applications: 'any', eventSecondMs: 1 });
  await call('me');
});
afterEach(() => pool.stop());

function call(
  path: string,
  method = 'GET',
  body: object | string = '',
  headers: Readonly<Record<string, string>> = {},
): Promise<ClientAnswer> {
  return send(`${pool.url}${base}/${path}`, {
    method,
    headers: { ...bearer('ann'), 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** Returns the resource with the property that a PUT must pass back, and the condition of the PUT. */
async function editable(path: string) {
  const resource = json(await call(path));
  const token = Object.keys(resource).find((name) =>
    String(resource[name]).startsWith('please pass'),
  );
  return {
    resource,
    token: token ?? '',
    condition: { 'If-Match': `"${String(resource['etag'])}"` },
  };
}

test('PUT communication needs the etag and the random property, and is reported', async () => {
  const { resource, token, condition } = await editable('communication');
  // A public client takes the first property for an operation id.
  expect(Object.keys(resource)[0]).toBe(token);
  const next = { ...resource, supportedModalities: ['Messaging', 'PhoneAudio'] };
  expect((await call('communication', 'PUT', next)).status).toBe(428);
  expect((await call('communication', 'PUT', next, { 'If-Match': '"1"' })).status).toBe(412);
  expect((await call('communication', 'PUT', {}, condition)).status).toBe(400);
  const replaced = await call('communication', 'PUT', next, condition);
  expect([replaced.status, json(replaced)['supportedModalities']]).toEqual([
    200,
    ['Messaging', 'PhoneAudio'],
  ]);
  expect(newsIn(await call('events?ack=1'))).toEqual(['updated communication']);
});

test('groups are made, renamed and deleted; their members are contacts', async () => {
  expect((await call('people/groups', 'POST', { displayName: 'Friends' })).status).toBe(204);
  const groups = json(await call('people/groups')) as {
    _embedded?: { group: Array<{ id: string; name: string }> };
  };
  const { id, name } = groups._embedded?.group.at(-1) ?? { id: '', name: '' };
  expect(name).toBe('Friends');
  const path = `people/groups/${id}`;
  const added = await call(
    `people/groupmemberships?contactUri=sip:jane.dow@pool.example&groupId=${id}`,
    'POST',
  );
  expect(added.status).toBe(204);
  expect(json(await call(`people/contacts?groupId=${id}`))).toMatchObject({
    _embedded: { contact: [{ uri: 'sip:jane.dow@pool.example' }] },
  });
  const removed =
    'people/groupMemberships/removeContactFromAllGroups?contactUri=sip:jane.dow@pool.example';
  expect((await call(removed, 'POST')).status).toBe(204);
  expect(json(await call(`people/contacts?groupId=${id}`))).toMatchObject({
    _embedded: { contact: [] },
  });
  const { resource, condition } = await editable(path);
  const renamed = await call(path, 'PUT', { ...resource, name: 'Family' }, condition);
  expect([renamed.status, json(renamed)['name']]).toEqual([200, 'Family']);
  expect((await call(path, 'DELETE')).status).toBe(204);
  expect((await call(path)).status).toBe(404);
  expect((await call('people/groups/default', 'DELETE')).status).toBe(403);
  expect((await call('people/groups/gone')).status).toBe(404);
});

test('a meeting is scheduled, changed and deleted', async () => {
  const made = await call('onlineMeetings/myOnlineMeetings', 'POST', { subject: 'weekly' });
  const meeting = json(made);
  expect([made.status, meeting]).toMatchObject([
    201,
    {
      subject: 'weekly',
      joinUrl: expect.stringMatching(/^https:\/\/meet\.pool\.example\/ann\/\d{8}$/),
    },
  ]);
  const path = `onlineMeetings/myOnlineMeetings/${String(meeting['onlineMeetingId'])}`;
  const { resource, condition } = await editable(path);
  const changed = json(await call(path, 'PUT', { ...resource, subject: 'daily' }, condition));
  expect(changed).toMatchObject({ subject: 'daily', joinUrl: meeting['joinUrl'] });
  expect((await call(path, 'DELETE')).status).toBe(204);
  expect((await call(path)).status).toBe(404);
});

test('a presence subscription reports its contacts, which are then subscribed contacts', async () => {
  const uris = ['sip:jane.dow@pool.example', 'sip:toni.poe@pool.example'];
  const made = await call('people/presenceSubscriptions', 'POST', { duration: 11, uris });
  expect(made.status).toBe(201);
  const contacts = json(await call('people/subscribedContacts'));
  expect(contacts).toMatchObject({ _embedded: { contact: uris.map((uri) => ({ uri })) } });
  const news = ['added contact', 'updated contactPresence', 'updated contactNote'];
  expect(newsIn(await call('events?ack=1'))).toEqual([...news, ...news]);
});
