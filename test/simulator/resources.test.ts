import { describe, expect, test } from '@jest/globals';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { bearer, json, send } from './http-client.ts';
import { base, call, pool, post } from './each-pool.ts';

describe('every resource', () => {
  test.each([
    ['policies', 'policies'],
    ['me', 'me'],
    ['me/note', 'note'],
    ['me/presence', 'presence'],
    ['me/location', 'location'],
    ['me/phones', 'phones'],
    ['me/callForwardingSettings', 'callForwardingSettings'],
    ['people', 'people'],
    ['people/contacts', 'myContacts'],
    ['people/contacts?groupId=default', 'myContacts'],
    ['people/groups', 'myGroups'],
    ['people/search?query=da', 'search'],
    ['people/presenceSubscriptions', 'presenceSubscriptions'],
    ['people/chris.barry@pool.example', 'contact'],
    ['people/chris.barry@pool.example/presence', 'contactPresence'],
    ['people/chris.barry@pool.example/note', 'contactNote'],
    ['people/chris.barry@pool.example/location', 'contactLocation'],
    ['people/chris.barry@pool.example/supportedMedia', 'contactSupportedModalities'],
    ['people/chris.barry@pool.example/privacyRelationship', 'contactPrivacyRelationship'],
    ['communication', 'communication'],
    ['communication/conversations?filter=active', 'conversations'],
    ['communication/conversations/c1', 'conversation'],
    ['communication/conversations/c1/messaging', 'messaging'],
    ['communication/conversations/c1/localParticipant', 'localParticipant'],
    ['communication/conversations/c1/participants', 'participants'],
    ['communication/missedItems', 'missedItems'],
    ['communication/conversationLogs', 'conversationLogs'],
    ['people/subscribedContacts', 'subscribedContacts'],
    ['people/groups/default', 'defaultGroup'],
    ['people/groups/pinned', 'pinnedGroup'],
    ['people/groups/marketing', 'group'],
    ['people/groupMemberships', 'myGroupMemberships'],
    ['people/privacyRelationships', 'myPrivacyRelationships'],
    ['people/contactsAndGroupsSubscription', 'myContactsAndGroupsSubscription'],
    ['onlineMeetings', 'onlineMeetings'],
    ['onlineMeetings/myOnlineMeetings', 'myOnlineMeetings'],
    ['onlineMeetings/defaultValues', 'onlineMeetingDefaultValues'],
    ['onlineMeetings/eligibleValues', 'onlineMeetingEligibleValues'],
    ['onlineMeetings/customInvitation', 'onlineMeetingInvitationCustomization'],
    ['onlineMeetings/policies', 'onlineMeetingPolicies'],
    ['onlineMeetings/phoneDialInInformation', 'phoneDialInInformation'],
  ])('%s answers a GET with its relation and a link to itself', async (path, rel) => {
    const answer = await call(path);
    expect([answer.status, answer.headers['content-type']]).toEqual([
      200,
      'application/json; charset=utf-8',
    ]);
    expect(json(answer)).toMatchObject({ rel, _links: { self: { href: `${base}/${path}` } } });
  });

  test('has the headers of the web server, and returns correlation ids', async () => {
    const answer = await call('me', {
      headers: { 'client-request-id': 'c-1', 'X-MS-Correlation-Id': 'm-1' },
    });
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-cache',
      pragma: 'no-cache',
      expires: '-1',
      server: 'Microsoft-IIS/8.0',
      'x-aspnet-version': '4.0.30319',
      'x-ms-server-fqdn': 'fe01.pool.example',
      'x-powered-by': 'ASP.NET',
      'client-request-id': 'c-1',
      'x-ms-correlation-id': 'm-1',
      'content-length': String(answer.body.length),
    });
    expect(answer.headers).toHaveProperty('date');
  });

  test('is found with two slashes at the beginning, as some public clients write it', async () => {
    const answer = await send(`${pool.url}/${base}/me/note`, { headers: bearer('ann') });
    expect(json(answer)).toMatchObject({ _links: { self: { href: `${base}/me/note` } } });
  });

  test('that another one links to exists', async () => {
    const created = await send(`${pool.url}/ucwa/oauth/v1/applications`, {
      method: 'POST',
      headers: { ...bearer('ann'), 'Content-Type': 'application/json' },
      body: '{"EndpointId":"e"}',
    });
    const seen = new Set<string>();
    const ahead = [...created.body.toString().matchAll(/"href":"([^"]+)"/g)].map((one) => one[1]);
    for (let href = ahead.pop(); href !== undefined; href = ahead.pop()) {
      if (seen.has(href) || /\/events\?|^data:/.test(href)) continue;
      seen.add(href);
      const { status, body } = await send(pool.url + href, { headers: bearer('ann') });
      // Links to operations have only POST, a search needs a query, and no meeting is assigned.
      expect([href, status === 200 || status === 405 || /search$|assigned/i.test(href)]).toEqual([
        href,
        true,
      ]);
      ahead.push(...[...body.toString().matchAll(/"href":"([^"]+)"/g)].map((one) => one[1]));
    }
    expect(seen.size).toBeGreaterThan(100);
  });

  test('is found in any letter case', async () => {
    const answer = await send(`${pool.url}/UCWA/OAuth/V1/Applications/104/ME/Note`, {
      headers: bearer('ann'),
    });
    expect(json(answer)).toMatchObject({ _links: { self: { href: `${base}/me/note` } } });
  });

  test('answers HEAD with the head of the answer to GET', async () => {
    const [get, head] = await Promise.all([call('me'), call('me', { method: 'HEAD' })]);
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
  });

  test('answers OPTIONS without a credential, and runs nothing', async () => {
    const answer = await send(`${pool.url}${base}/me`, { method: 'OPTIONS' });
    expect([answer.status, answer.headers.allow]).toEqual([
      200,
      'GET, HEAD, POST, PUT, DELETE, OPTIONS',
    ]);
    expect(pool.ledger.entries()).toEqual([]);
  });

  test('that does not exist gets a 404 of UCWA', async () => {
    const answer = await call('nothing/here');
    expect([answer.status, json(answer)]).toMatchObject([
      404,
      { code: 'NotFound', message: expect.any(String) },
    ]);
    expect((await call('people/282')).status).toBe(404);
  });

  test('answers 405 to methods that it does not support', async () => {
    const answer = await call('me', { method: 'DELETE' });
    expect([answer.status, answer.headers.allow, json(answer)['code']]).toEqual([
      405,
      'GET',
      'MethodNotAllowed',
    ]);
    for (const [path, allow] of [
      ['events', 'GET'],
      ['batch', 'POST'],
    ] as const) {
      const refused = await call(path, { method: 'PUT' });
      expect([refused.status, refused.headers.allow]).toEqual([405, allow]);
    }
  });

  test('answers 404 if the client requires a revision above 2', async () => {
    const asking = (revision: string) =>
      call('me', { headers: { 'X-MS-RequiresMinResourceVersion': revision } });
    expect((await asking('2')).status).toBe(200);
    expect((await asking('2.0')).status).toBe(200);
    const answer = await asking('3');
    expect([answer.status, json(answer)['subcode']]).toEqual([404, 'APIVersionNotSupported']);
  });

  test.each(['"%"', '%', 'W/"%"', '"x", "%"', '*'])(
    'with an etag answers 304 to If-None-Match: %s',
    async (form) => {
      const etag = String(json(await call('people/a@b.example'))['etag']);
      const answer = await call('people/a@b.example', {
        headers: { 'If-None-Match': form.replace('%', etag) },
      });
      expect([answer.status, answer.body.length, answer.headers.etag]).toEqual([
        304,
        0,
        `"${etag}"`,
      ]);
      expect(answer.headers).not.toHaveProperty('content-length');
      expect(
        (await call('people/a@b.example', { headers: { 'If-None-Match': '"x"' } })).status,
      ).toBe(200);
    },
  );

  test('answers 413 to a body of over 16 MiB', async () => {
    const answer = await post('me/note', 'x'.repeat(16 * 1024 * 1024 + 1), 'text/plain');
    expect([answer.status, json(answer)['code']]).toEqual([413, 'EntityTooLarge']);
    expect(pool.ledger.requests()[0]).toMatchObject({
      bodyBytes: 16 * 1024 * 1024 + 1,
      complete: true,
    });
    expect(pool.ledger.requests()[0]?.body.length).toBe(1024 * 1024);
  });
});

test('the same seed gives the same ids and latencies, another seed gives others', async () => {
  const draw = async (seed: number) => {
    const latencies: number[] = [];
    const simulator = await startSimulator({
      seed,
      latency: (_, random) => (latencies.push(random()), 0),
    });
    const headers = { ...bearer('ann'), 'Content-Type': 'application/json' };
    const request = { method: 'POST', headers, body: '{"EndpointId":"e"}' };
    const { body } = await send(`${simulator.url}/ucwa/oauth/v1/applications`, request);
    await simulator.stop();
    return JSON.stringify([body.toString(), latencies]);
  };
  expect(await draw(7)).toBe(await draw(7));
  expect(await draw(7)).not.toBe(await draw(8));
});
