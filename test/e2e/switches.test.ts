/** `POST /batching` and `POST /log` of the admin port. */
import { expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LiveSettings } from '../../src/app/live-settings.ts';
import { Switches } from '../../src/app/switches.ts';
import { settingsOf } from '../settings/load.ts';
import { onCleanup } from '../support/cleanup.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

const token = 'a-token-of-the-admin-port';
const bearer = `Authorization: Bearer ${token}\r\n`;

async function start(hasToken = true) {
  const folder = mkdtempSync(join(tmpdir(), 'switches-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'token');
  writeFileSync(file, `${token}\n`);
  const pool = await startPool();
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
    UCWA_PROXY_BATCHING_MAX_PARTS: '4',
    ...(hasToken && { UCWA_PROXY_ADMIN_TOKEN_FILE: file }),
  });
  const ask = async (request: string, fields = bearer): Promise<[number, string]> => {
    const client = new RawClient(proxy.ports.admin);
    client.send(`${request} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`);
    const { status, body } = await client.readAnswer();
    client.leave();
    return [status, body.toString()];
  };
  return { pool, proxy, ask, file, client: new UcwaClient(proxy.url) };
}

test('the kill switch sends held calls, is logged and shown, and ends on request', async () => {
  const { pool, proxy, ask, client } = await start();
  const held = client.askAll(notes(3));
  await proxy.untilMetric('ucwa_proxy_held_calls', (calls) => calls === 3);
  const [status, body] = await ask('POST /batching?mode=off&minutes=5');
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({
    switches: [{ setting: 'batching.mode', value: 'off' }],
  });
  await held;
  expect(pool.stats()).toMatchObject({ requests: 1, batches: 1 });
  await client.askAll(notes(4));
  expect(pool.stats()).toMatchObject({ requests: 5, batches: 1 });
  await proxy.untilLogged(/"setting":"batching\.mode","value":"off","minutes":5/);
  const [, shown] = await ask('GET /config');
  expect(JSON.parse(shown)).toMatchObject({
    switches: [{ setting: 'batching.mode', value: 'off' }],
    settings: { 'batching.mode': { value: 'off', from: 'switch' } },
  });
  // A reading of the settings leaves the switch in force.
  const { base } = proxy.settings;
  proxy.settings.reload({ ...base, drain: { ...base.drain, timeoutMs: 99 } }, new Map());
  expect(proxy.settings.current.batching.mode).toBe('off');

  expect((await ask('POST /batching?mode=settings'))[0]).toBe(200);
  await client.askAll(notes(4));
  expect(pool.stats()).toMatchObject({ requests: 6, batches: 2 });
});

test('one route is switched off, and the log gets another level', async () => {
  const { proxy, ask, client } = await start();
  await ask('POST /batching?mode=off&route=me/presence');
  await client.ask(`${app}/me/presence`);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_passthrough_total{reason="opt_out"}')).toBe(1);
  expect((await ask('POST /log?level=error'))[0]).toBe(200);
  const lines = proxy.log.length;
  await client.ask(`${app}/me/presence`);
  expect(proxy.log).toHaveLength(lines);
  expect((await ask('POST /log?level=debug'))[0]).toBe(200);
  await client.ask(`${app}/me`, { method: 'POST', body: '{"operationId":"1"}' });
  expect(proxy.log.slice(lines).join('')).toMatch(/"level":"debug".*"msg":"request"/);
});

test('a request without the token changes nothing', async () => {
  const { proxy, ask, file } = await start();
  const wrong = [
    '',
    'Authorization: Bearer wrong\r\n',
    `Authorization: Bearer ${token}x\r\n`,
    `Authorization: Basic ${token}\r\n`,
    `${bearer}${bearer}`,
    `${bearer}Origin: http://a.example\r\n`,
    `${bearer}Sec-Fetch-Site: cross-site\r\n`,
  ];
  for (const fields of wrong) {
    const [status] = await ask('POST /batching?mode=off', fields);
    expect([fields, status]).toEqual([fields, 403]);
  }
  expect(await ask('GET /batching?mode=off')).toEqual([405, 'POST only\n']);
  expect(await ask('PUT /log?level=debug')).toEqual([405, 'POST only\n']);
  expect((await ask('POST /metrics'))[0]).toBe(405);
  expect((await ask('POST /log?level=debug', `${bearer}Content-Length: 9999\r\n`))[0]).toBe(413);
  // An empty file opens nothing, and a replaced token counts at once.
  writeFileSync(file, '');
  expect((await ask('POST /batching?mode=off', 'Authorization: Bearer \r\n'))[0]).toBe(403);
  expect((await ask('POST /batching?mode=off'))[0]).toBe(403);
  expect(proxy.settings.current.batching.mode).toBe('fixed');
});

test('without a token file there are no switches', async () => {
  const { ask } = await start(false);
  expect((await ask('POST /batching?mode=off'))[0]).toBe(405);
  expect((await ask('GET /batching?mode=off'))[0]).toBe(404);
});

test.each([
  '/batching',
  '/batching?mode=shadow',
  '/batching?mode=off&mode=off',
  '/batching?mode=off&minutes=0',
  '/batching?mode=off&minutes=10081',
  '/batching?mode=fixed&route=me',
  '/batching?mode=off&route=a%20b',
  '/batching?mode=off&hours=1',
  '/log?level=loud',
])('%s is refused, with the reason', (target) => {
  const live = new LiveSettings(settingsOf({}), new Map());
  const [path = '', query = ''] = target.split('?');
  const answer = new Switches(live, { warn: () => undefined }).apply(path, query);
  expect(answer).toEqual({ status: 400, body: { problem: expect.any(String) } });
  expect(live.current).toEqual(settingsOf({}));
});

test('a switch ends by itself, and the number of switches is bounded', async () => {
  const live = new LiveSettings(settingsOf({}), new Map());
  const said: string[] = [];
  const ended = new Promise<void>((resolve) => {
    const warn = (message: string): void => {
      if (said.push(message) === 2) resolve();
    };
    new Switches(live, { warn }, 20).apply('/batching', 'mode=off&minutes=1');
  });
  expect(live.current.batching.mode).toBe('off');
  await ended;
  expect(said).toEqual(['a switch was set', 'a switch has ended']);
  expect(live.current).toEqual(settingsOf({}));

  const many = new Switches(live, { warn: () => undefined });
  const statuses = Array.from({ length: 51 }, (_, i) =>
    many.apply('/batching', `mode=off&route=r${i}`),
  ).map(({ status }) => status);
  expect([statuses.indexOf(409), statuses.at(-1)]).toEqual([50, 409]);
  many.stop();
});

test.each([
  ['mode=off', 'batching: { mode: shadow }'],
  ['mode=adaptive', 'batching: { mode: off }\nrecord: { file: trace.csv }'],
])('%s is refused under settings that need a restart: %s', (query, file) => {
  const live = new LiveSettings(settingsOf({ file }), new Map());
  const answer = new Switches(live, { warn: () => undefined }).apply('/batching', query);
  expect(answer.status).toBe(409);
});
