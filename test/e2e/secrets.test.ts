/** The proxy never shows a secret of a client, whatever happens to its calls. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Fault } from '../../src/simulator/faults/fault.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { readAdmin } from '../support/metric-values.ts';
import { startPool } from '../support/pool.ts';
import { Program, type Started } from '../support/program.ts';
import { RawClient } from '../support/raw-client.ts';
import { app, UcwaClient } from '../support/ucwa-client.ts';

let program: Program;
beforeAll(() => {
  program = Program.install();
});
afterAll(() => program.remove());

/** Part of every token, cookie, body, name and address of the test, and of no other text. */
const canary = 'CanaryBird7f3';
const sip = `${canary}@${canary}.example`;
const token = `cwt=sim-${canary}`;
const fields = {
  Cookie: `${canary}=${canary}`,
  'User-Agent': canary,
  'X-Forwarded-For': canary,
  [`X-${canary}`]: canary,
};

async function startServe(pool: Simulator, env: Readonly<Record<string, string>>) {
  const serve = await program.start(
    /"listen":"127\.0\.0\.1:(\d+)","admin":"127\.0\.0\.1:(\d+)"/,
    ['serve', '--upstream', pool.url, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
    { env: { UCWA_PROXY_LOG_LEVEL: 'trace', UCWA_PROXY_LOG_ACCESS: 'all', ...env } },
  );
  return { serve, port: Number(serve.match[1]), admin: Number(serve.match[2]) };
}

/** Returns the occurrences of the canary in any of its encodings. */
function sightings(text: string): string[] {
  const spellings = [
    canary,
    encodeURIComponent(sip),
    Buffer.from(canary).toString('hex'),
    // The beginning of the canary in base64, at each offset.
    ...[0, 1, 2].map((offset) =>
      Buffer.from(' '.repeat(offset) + canary)
        .toString('base64')
        .slice(offset === 0 ? 0 : 4, 16),
    ),
  ];
  return spellings.filter((spelling) => text.toLowerCase().includes(spelling.toLowerCase()));
}

async function stop({ child, exited }: Started): Promise<void> {
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
}

const inPairs = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '20',
  UCWA_PROXY_BATCHING_MAX_PARTS: '2',
  UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '400',
  UCWA_PROXY_UPSTREAM_PASS_THROUGH_IDLE_MS: '1000',
  UCWA_PROXY_DRAIN_DELAY_MS: '0',
};

test('tokens, cookies, bodies and SIP addresses appear in no log, metric, admin page or answer of the proxy', async () => {
  const pool = await startPool();
  const { serve, port, admin } = await startServe(pool, inPairs);
  const client = new UcwaClient(`http://127.0.0.1:${port}`);
  const ours: string[] = [];
  let relayed = 0;

  const targets = [`${app}/people/${sip}/note?q=${canary}`, `${app}/people/sip:${sip}/presence`];
  const post = { method: 'POST', body: `{"message":"${canary}"}`, token };
  const json = { ...fields, 'Content-Type': 'application/json' };
  const xml = { ...fields, Accept: 'application/xml' };
  const callAll = async (): Promise<void> => {
    const answers = await Promise.allSettled([
      ...targets.map((target) => client.ask(target, { token, headers: fields })),
      ...targets.map((target) => client.ask(target, { token: `${token}2`, headers: xml })),
      client.ask(`${app}/me/note`, { ...post, headers: json }),
      client.ask(`${app}/photos/${sip}`, { token, headers: fields }),
      client.ask(`/${canary}/..%2f${canary}`, { token, headers: fields }),
    ]);
    for (const answer of answers) {
      if (answer.status === 'rejected') continue;
      const { headers, rawHeaders, text } = answer.value;
      if (headers['content-type']?.includes('problem+') === true) {
        ours.push(rawHeaders.join('\n') + text);
      } else relayed += 1;
    }
  };

  await callAll();
  const message = `HTTP/1.1 99 ${canary}\r\n${canary}: ${canary}\r\n\r\n${canary}`;
  const ofAny: Fault[] = [
    { kind: 'junk', bytes: `${canary}\r\n\r\n` },
    { kind: 'reset', at: 'beforeHead' },
    { kind: 'reset', at: 30 },
    { kind: 'truncate', afterBytes: 90 },
    { kind: 'hang' },
    { kind: 'html' },
    { kind: 'status', status: 429, body: canary },
    { kind: 'status', status: 500, body: canary, headers: ['X-Secret', canary] },
    { kind: 'status', status: 413, body: canary },
  ];
  const ofBatches: Fault[] = [
    { kind: 'fewerParts', count: 1 },
    { kind: 'moreParts', count: 1 },
    { kind: 'malformedPart', index: 0, message },
    { kind: 'noBoundary' },
    { kind: 'noCloseDelimiter' },
    { kind: 'permute' },
  ];
  for (const fault of [...ofAny, ...ofBatches]) {
    pool.faults.add({ on: { kind: 'batch' }, fault, times: 100 });
    if (ofAny.includes(fault)) pool.faults.add({ on: { kind: 'single' }, fault, times: 100 });
    await callAll();
    pool.faults.clear();
  }

  for (const bytes of [
    `GET /${canary}#${canary} HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: ${canary}/${canary}\r\n\r\n`,
    `GET http://${canary}.example/ HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: ${canary}\r\nAuthorization: ${canary}\r\n\r\n`,
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${canary}, chunked\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: a\r\nExpect: ${canary}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: a\r\n${canary}\0: ${canary}\r\n\r\n`,
    `GET /${canary.repeat(8000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    `${canary.toUpperCase()} / HTTP/1.1\r\nHost: a\r\n\r\n`,
    `TRACE /${canary} HTTP/1.1\r\nHost: a\r\nX: ${canary}\r\n\r\n`,
    `CONNECT ${canary}:443 HTTP/1.1\r\nHost: a\r\n\r\n`,
  ]) {
    const raw = new RawClient(port);
    raw.send(bytes);
    ours.push(await raw.readAll());
  }

  const leaver = new AbortController();
  pool.faults.add({ on: { kind: 'single' }, fault: { kind: 'hang' } });
  const left = client.ask(targets[0]!, { token, headers: fields, signal: leaver.signal });
  await pool.stop();
  leaver.abort();
  await expect(left).rejects.toThrow();
  await callAll();

  const pages = ['/metrics', '/livez', '/readyz?verbose', '/version', `/${canary}`];
  for (const page of pages) ours.push((await readAdmin(admin, page)).body);
  const adminClient = new UcwaClient(`http://127.0.0.1:${admin}`);
  const refused = await adminClient.ask('/metrics', { token, headers: { Origin: canary } });
  ours.push(refused.rawHeaders.join('\n') + refused.text);

  await stop(serve);
  expect(relayed).toBeGreaterThan(20);
  expect(ours.length).toBeGreaterThan(40);
  const lines = serve.output().trim().split('\n');
  expect(lines.filter((line) => line.includes('"msg":"call"')).length).toBeGreaterThan(100);
  expect(ours.flatMap(sightings)).toEqual([]);
  expect(sightings(serve.output())).toEqual([]);
  expect(sightings(serve.errors())).toEqual([]);
}, 60_000);

test('control: the search finds each encoding', () => {
  for (const text of [
    `Bearer ${token}`,
    sip.toUpperCase(),
    encodeURIComponent(`sip:${sip}`),
    Buffer.from(`Bearer ${token}`).toString('hex'),
    ...['', 'a', 'ab', 'abc'].map((before) => Buffer.from(before + sip).toString('base64')),
  ]) {
    expect([text, sightings(text).length > 0]).toEqual([text, true]);
  }
});

test('an error about a wrong setting does not repeat its credential', async () => {
  const { code, stdout, stderr } = await program.run([
    ...['serve', '--upstream', `http://ann:${canary}@pool.example/path`],
  ]);
  expect(code).toBe(2);
  expect(sightings(stdout + stderr)).toEqual([]);
});

test('SIGUSR1 opens no inspector', async () => {
  const pool = await startPool();
  const { serve, port } = await startServe(pool, inPairs);
  serve.child.kill('SIGUSR1');
  const answer = await new UcwaClient(`http://127.0.0.1:${port}`).ask(`${app}/me`);
  expect(answer.status).toBe(200);
  await stop(serve);
  expect(serve.errors()).toBe('');
});

test('serve does not start under settings of Node that break its promises, unless they are allowed', async () => {
  const argv = ['serve', '--upstream', 'http://127.0.0.1:1', '--listen', '127.0.0.1:0'];
  argv.push('--admin', '127.0.0.1:0');
  const unsafe = {
    env: { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_OPTIONS: '--insecure-http-parser' },
    nodeFlags: ['--inspect=127.0.0.1:0'],
  };
  const { code, stderr } = await program.run(argv, unsafe);
  expect(code).toBe(2);
  for (const name of ['insecure-http-parser', 'unverified-tls', 'inspector']) {
    expect(stderr).toContain(`if this is intended, add --allow-unsafe ${name}\n`);
  }
  const names = 'insecure-http-parser,unverified-tls,inspector';
  const meant = await program.start(/"msg":"serving"/, [...argv, '--allow-unsafe', names], unsafe);
  expect(meant.output().match(/"level":"warn".*allowed by --allow-unsafe/g)).toHaveLength(3);
  meant.child.kill('SIGKILL');
  await meant.exited;
});
