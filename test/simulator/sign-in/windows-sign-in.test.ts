/** Sign-ins that the simulated pool keeps on a connection, and the tokens and tickets for them. */
import { Agent, request } from 'node:http';
import { expect, test } from '@jest/globals';
import { onCleanup } from '../../support/cleanup.ts';
import { startPool } from '../../support/pool.ts';
import { send } from '../http-client.ts';
import { authenticateMessage, negotiateMessage } from './ntlm-messages.ts';

const tokenPath = '/WebTicket/oauthtoken';
const ticketPath = '/WebTicket/WebTicketService.svc';
const form = 'grant_type=urn:microsoft.rtc:windows';

interface Heard {
  readonly status: number;
  readonly challenges: readonly string[];
  readonly text: string;
}

/** Returns a client with one connection. */
function connection(url: string): (path: string, credential?: string) => Promise<Heard> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onCleanup(() => agent.destroy());
  return (path, credential) =>
    new Promise((resolve, reject) => {
      const headers = credential === undefined ? {} : { Authorization: credential };
      const sent = request(url + path, { method: 'POST', agent, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        answer.on('end', () => {
          const fields = answer.rawHeaders;
          const challenges = fields.filter((_, i) => fields[i - 1] === 'WWW-Authenticate');
          resolve({ status: answer.statusCode ?? 0, challenges, text });
        });
      });
      sent.on('error', reject).end(form);
    });
}

test.each(['NTLM', 'Negotiate'])(
  'a %s handshake signs in its connection, and no other',
  async (scheme) => {
    const pool = await startPool();
    const [own, other] = [connection(pool.url), connection(pool.url)];
    expect(await own(tokenPath)).toMatchObject({ status: 401, challenges: ['Negotiate', 'NTLM'] });
    const challenged = await own(tokenPath, `${scheme} ${negotiateMessage()}`);
    expect(challenged.status).toBe(401);
    const [, challenge = ''] = challenged.challenges[0]?.split(' ') ?? [];
    expect(Buffer.from(challenge, 'base64').readUInt32LE(8)).toBe(2);
    const granted = await own(tokenPath, `${scheme} ${authenticateMessage('Ann')}`);
    expect(granted.status).toBe(200);
    // The connection stays signed in, and a second one is not.
    expect((await own(tokenPath)).status).toBe(200);
    expect((await other(tokenPath)).status).toBe(401);
    const { access_token: token } = JSON.parse(granted.text) as { access_token: string };
    const headers = { Authorization: `Bearer ${token}` };
    await send(`${pool.url}/ucwa/oauth/v1/applications/7/me`, { headers });
    expect(pool.ledger.entries().at(-1)?.user).toBe('ann');
  },
);

test('a web ticket for a signed-in connection is a credential below /ucwa/v1', async () => {
  const pool = await startPool();
  const ask = connection(pool.url);
  expect((await ask(ticketPath)).status).toBe(401);
  await ask(ticketPath, `NTLM ${negotiateMessage()}`);
  const granted = await ask(ticketPath, `NTLM ${authenticateMessage('bob')}`);
  const ticket = /<RequestedSecurityToken>(opaque=[\w-]+)</.exec(granted.text)?.[1] ?? '';
  const asked = { headers: { 'X-MS-WebTicket': ticket } };
  expect((await send(`${pool.url}/ucwa/v1/applications/7/me`, asked)).status).toBe(200);
  expect(pool.ledger.entries().at(-1)).toMatchObject({ user: 'bob', credential: 'webTicket' });
  const refused = await send(`${pool.url}/ucwa/v1/applications/7/me`);
  expect(refused.headers['x-ms-webticketurl']).toBe(pool.url + ticketPath);
});

test.each([
  ['without a challenge', [authenticateMessage('ann')]],
  ['of the user "wrong"', [negotiateMessage(), authenticateMessage('wrong')]],
  ['that are no messages', ['AAAA']],
  ['without a name', [negotiateMessage(), authenticateMessage('')]],
  ['that are cut off', [negotiateMessage(), authenticateMessage('ann').slice(0, 90)]],
])('messages %s sign in nobody', async (_, messages) => {
  const pool = await startPool();
  const ask = connection(pool.url);
  for (const message of messages) await ask(tokenPath, `NTLM ${message}`);
  expect((await ask(tokenPath)).status).toBe(401);
});
