import { expect } from '@jest/globals';
import type { Document } from '../document.ts';
import type { Asked, Heard } from '../http-client.ts';
import type { Play, Stage } from '../play.ts';

const requests = {
  'Accept-Encoding': 'gzip, deflate',
  Accept: '*/*',
  'User-Agent': 'python-requests/2.31.0',
};
const json = 'application/json';

/** A bot that accepts invitations and answers messages. It puts one root URL before all links. */
export const dadecoza: Play = {
  client: 'dadecoza/python-ucwa-bot',
  // Its calls overlap, but calls to `//ucwa` pass through.
  overlaps: false,
  run,
};

async function run({ http, discovery, peer }: Stage): Promise<void> {
  let authorization = '';
  const ask = (url: string, asked: Asked = {}): Promise<Heard> =>
    http.ask(url, {
      ...asked,
      headers: {
        ...requests,
        'Content-Type': json,
        ...(authorization === '' ? {} : { Authorization: authorization }),
        ...asked.headers,
      },
    });
  const post = (url: string, data?: object): Promise<Heard> =>
    ask(url, {
      ...{ method: 'POST', body: data === undefined ? '' : JSON.stringify(data) },
    });

  const first = await ask(discovery);
  // The root URL keeps its slash, so that each later URL has two.
  const root = /^https?:\/\/.*?\//.exec(first.json.link('self'))?.[0] ?? '';
  const fixed = (url: string) => url.replace(/^https?:\/\/.*?\//, root);
  const userUrl = fixed((await ask(discovery)).json.link('user'));
  const challenged = await ask(userUrl);
  expect(challenged.status).toBe(401);
  const oauthUrl = fixed(/MsRtcOAuth href="(.*?)"/.exec(challenged.challenges.join())?.[1] ?? '');
  const granted = await ask(oauthUrl, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded;charset=UTF-8' },
    body: 'grant_type=password&username=ann%40pool.example&password=x',
  });
  expect(granted.status).toBe(200);
  authorization = `${granted.json.at('token_type').text} ${granted.json.at('access_token').text}`;
  const applications = fixed((await ask(userUrl)).json.link('applications'));
  const created = await post(applications, {
    ...{ UserAgent: 'Python Client', EndpointId: 'd'.repeat(32), Culture: 'en-US' },
  });
  expect(created.status).toBe(201);
  const application = created.json;
  const me = application.at('_embedded', 'me');
  const activity = `${root}${application.link('self')}/reportMyActivity`;
  const available = await post(root + me.link('makeMeAvailable'), {
    SupportedModalities: ['Messaging'],
  });
  expect(available.status).toBe(204);

  let next = application.link('events');
  const events = async (): Promise<Document[]> => {
    const answer = await ask(`${root}${next}&timeout=180`);
    expect(answer.status).toBe(200);
    next = answer.json.link('next');
    return answer.json.at('sender').items.flatMap((sender) => sender.at('events').items);
  };
  const until = async (...path: string[]): Promise<Document> => {
    for (;;) {
      const found = (await events()).map((event) => event.at('_embedded', ...path));
      const one = found.find((document) => document.exists);
      if (one) return one;
    }
  };

  const conversing = peer.converse('sip:ann@pool.example');
  const accept = await until('messagingInvitation', '_links', 'accept', 'href');
  expect((await post(root + accept.text)).status).toBe(204);
  await peer.post(await conversing, 'how are you?', 'text/plain');
  let message = await until('message');
  while (!message.at('direction').text.startsWith('In')) message = await until('message');
  const participant = await ask(root + message.link('participant'));
  expect(participant.json.at('uri').text).toBe('sip:carol@pool.example');
  // Threads report activity and typing while the answer is sent.
  const answers = await Promise.all([
    post(activity),
    post(`${root}${message.link('messaging')}/typing`),
    ask(root + message.link('self'), {
      ...{ method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: 'fine' },
    }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([204, 204, 201]);
  expect(await peer.heard()).toBe('fine');
}
