import { expect } from '@jest/globals';
import type { Asked, Heard } from '../http-client.ts';
import type { Play, Stage } from '../play.ts';

const go = { 'User-Agent': 'Go-http-client/1.1', 'Accept-Encoding': 'gzip' };

/** A plugin that schedules a meeting. It signs in again if the applications are on another host. */
export const mattermost: Play = {
  client: 'mattermost-community/mattermost-plugin-skype4business',
  overlaps: false,
  hearsEvents: false,
  run,
};

async function run({ http, discovery }: Stage): Promise<void> {
  const ask = (url: string, token?: string, asked: Asked = {}): Promise<Heard> =>
    http.ask(url, {
      ...asked,
      headers: {
        ...go,
        Accept: 'application/json',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...asked.headers,
      },
    });
  const post = (url: string, token: string, body: object): Promise<Heard> =>
    ask(url, token, {
      ...{ method: 'POST', headers: { 'Content-Type': 'application/json' } },
      body: `${JSON.stringify(body)}\n`,
    });
  const signIn = async (url: string, resource: string): Promise<string> => {
    const challenged = await http.ask(url, { headers: go });
    expect(challenged.status).toBe(401);
    const challenge = challenged.challenges.find((one) => one.startsWith('MsRtcOAuth')) ?? '';
    expect(/grant_type="(.*?)"/.exec(challenge)?.[1]).toContain('password');
    const tokenUrl = (/href=(.*?),/.exec(challenge)?.[1] ?? '').replaceAll('"', '');
    const granted = await http.ask(tokenUrl, {
      method: 'POST',
      headers: { ...go, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: `grant_type=password&password=x&resource=${resource}&username=ann`,
    });
    expect(granted.status).toBe(200);
    return granted.json.at('access_token').text;
  };

  const { json: root } = await ask(discovery);
  const user = root.link('user');
  const resource = /:\/\/(.*)\/Autodiscover\//.exec(user)?.[1] ?? '';
  let token = await signIn(user, resource);
  const applications = (await ask(user, token)).json.link('applications');
  const [, scheme = '', host = ''] = /^(https?:\/\/)(.*)\/ucwa\//.exec(applications) ?? [];
  if (host !== resource) token = await signIn(applications, host);
  const endpoint = { userAgent: 'mm_skype4b_plugin', endpointId: '123', culture: 'en-US' };
  const created = await post(applications, token, endpoint);
  expect(created.status).toBe(201);
  const meetings = created.json.at('_embedded', 'onlineMeetings').link('myOnlineMeetings');
  // The client writes a slash before a path that begins with a slash.
  const meeting = await post(`${scheme}${host}/${meetings}`, token, {
    ...{ subject: 'Meeting created by ann', automaticLeaderAssignment: 'SameEnterprise' },
  });
  expect(meeting.status).toBe(201);
  expect(meeting.json.at('joinUrl').text).toContain(meeting.json.at('onlineMeetingId').text);
}
