/**
 * The file that `serve --record` writes is enough for a replay, and contains no client's secrets.
 */
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readTrace, traceHeader } from '../../src/core/shadow/trace.ts';
import { secretsIn } from '../support/canaries.ts';
import { onCleanup } from '../support/cleanup.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'trace-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  return join(folder, 'trace.csv');
}

async function startRecording(file: string, env: Readonly<Record<string, string>> = {}) {
  const pool = await startPool({ latency: 20 });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'off',
    UCWA_PROXY_RECORD_FILE: file,
    ...env,
  });
  return { pool, proxy, client: new UcwaClient(proxy.url) };
}

test('each call that could be batched has a line, without token, address, body, id or query', async () => {
  const file = newFile();
  const { proxy, client, pool } = await startRecording(file);
  const canary = 'CanaryBird7f3';
  const asked = {
    token: `cwt=sim-${canary}`,
    headers: { Cookie: `a=${canary}`, 'User-Agent': canary, 'Content-Type': 'application/json' },
  };
  await client.ask(`${app}/people/sip:${canary}@pool.example/presence?q=${canary}`, asked);
  await client.ask(`${app}/people/sip:${canary}@pool.example/presence?q=${canary}`, asked);
  await client.ask(`${app}/me/note`, { ...asked, method: 'POST', body: `{"message":"${canary}"}` });
  await client.ask(`${app}/communication/conversations/${canary}`, { ...asked, method: 'DELETE' });
  await client.ask(`${app}/photos/${canary}`, asked);
  pool.faults.add({ on: {}, fault: { kind: 'hang' } });
  const leaver = new AbortController();
  const left = client.ask(`${app}/me`, { ...asked, signal: leaver.signal });
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', (calls) => calls === 1);
  leaver.abort();
  await expect(left).rejects.toThrow();
  await proxy.untilMetric('ucwa_proxy_trace_calls_total{outcome="written"}', (n) => n === 5);
  client.close();
  await proxy.stop();

  const text = readFileSync(file, 'utf8');
  // Hashes and times are removed, because they can contain any digits.
  const words = text.replace(/\b(?:[0-9a-f]{12}|\d+\.\d{2})\b/g, '');
  for (const secret of [canary, canary.toLowerCase(), '1045', 'sip', 'pool.example']) {
    expect(words).not.toContain(secret);
  }
  expect(secretsIn(text)).toEqual([]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const trace = readTrace(file, text);
  if (!trace.ok) throw new Error(trace.problems.join('\n'));
  const { calls } = trace;
  expect(
    calls.map(({ method, callClass, route, status }) => [method, callClass, route, status]),
  ).toEqual([
    ['GET', 'safe', '/people/{}/presence', 200],
    ['GET', 'safe', '/people/{}/presence', 200],
    ['POST', 'unsafe', '/me/note', 204],
    ['DELETE', 'unsafe', '/communication/conversations/{}', 204],
    ['GET', 'safe', '/me', 0],
  ]);
  expect(new Set(calls.map(({ user, key }) => user + key)).size).toBe(1);
  expect(calls[0]!.same).toBe(calls[1]!.same);
  expect(calls[0]!.resource).not.toBe(calls[2]!.resource);
  expect(calls[0]!.tookMs).toBeGreaterThan(19);
});

test('a full recording ends with a log line, and calls go on', async () => {
  const file = newFile();
  writeFileSync(file, 'older');
  const { proxy, client } = await startRecording(file, { UCWA_PROXY_RECORD_MAX_BYTES: '1024' });
  for (const note of notes(12)) expect((await client.ask(note)).status).toBe(200);
  await proxy.untilMetric('ucwa_proxy_trace_calls_total{outcome="dropped"}', (n) => n > 0);
  client.close();
  await proxy.stop();
  const text = readFileSync(file, 'utf8');
  expect(text.length).toBeLessThanOrEqual(1024);
  expect(text.startsWith(`${traceHeader}\n`) && text.endsWith('\n')).toBe(true);
  expect(proxy.log.filter((line) => line.includes('the trace has ended: it is full'))).toHaveLength(
    1,
  );
  expect(readFileSync(`${file}.previous`, 'utf8')).toBe('older');
});

test('serve names record.file and the missing folder if the recording cannot be written', async () => {
  await expect(startRecording('/nowhere/trace.csv')).rejects.toThrow(
    /^record\.file: ENOENT: .+ '\/nowhere\/trace\.csv'\. The folder does not exist: create it$/,
  );
});

describe('a restart', () => {
  const written = 'ucwa_proxy_trace_calls_total{outcome="written"}';

  async function record(file: string, calls: number): Promise<void> {
    const { proxy, client } = await startRecording(file);
    await client.askAll(notes(calls));
    await proxy.untilMetric(written, (count) => count === calls);
    client.close();
    await proxy.stop();
  }

  function callsIn(file: string) {
    const trace = readTrace(file, readFileSync(file, 'utf8'));
    if (!trace.ok) throw new Error(trace.problems.join('\n'));
    return trace.calls;
  }

  test('continues the recording, and its times', async () => {
    const file = newFile();
    await record(file, 3);
    const before = callsIn(file);
    await record(file, 2);
    const calls = callsIn(file);
    expect(calls.slice(0, 3)).toEqual(before);
    expect(calls).toHaveLength(5);
    expect(calls[3]!.atMs).toBeGreaterThan(before.at(-1)!.atMs);
    expect(existsSync(`${file}.previous`)).toBe(false);
  });

  test('counts the time in which no process recorded', async () => {
    const file = newFile();
    await record(file, 1);
    const [first] = callsIn(file);
    const hourAgo = new Date(Date.now() - 3_600_000);
    utimesSync(file, hourAgo, hourAgo);
    await record(file, 1);
    expect(callsIn(file)[1]!.atMs - first!.atMs).toBeGreaterThan(3_600_000);
  });

  test('removes the line that a crash has cut, and keeps all others', async () => {
    const file = newFile();
    await record(file, 2);
    const whole = readFileSync(file, 'utf8');
    writeFileSync(file, whole + whole.split('\n')[1]!.slice(0, 20));
    await record(file, 1);
    expect(callsIn(file)).toHaveLength(3);
    expect(readFileSync(file, 'utf8').startsWith(whole)).toBe(true);
  });

  test('keeps the limit of the size', async () => {
    const file = newFile();
    await record(file, 3);
    const { size } = statSync(file);
    const { proxy, client } = await startRecording(file, {
      UCWA_PROXY_RECORD_MAX_BYTES: String(Math.max(1024, size + 50)),
    });
    for (const note of notes(12)) await client.ask(note);
    await proxy.untilLogged(/the trace has ended: it is full/);
    client.close();
    await proxy.stop();
    expect(statSync(file).size).toBeLessThanOrEqual(Math.max(1024, size + 50));
    expect(callsIn(file).length).toBeGreaterThanOrEqual(3);
  });

  test('renames a file that is no recording, and never replaces one', async () => {
    const file = newFile();
    for (const text of ['first', 'second']) {
      writeFileSync(file, text);
      await record(file, 1);
      expect(callsIn(file)).toHaveLength(1);
    }
    expect(readFileSync(`${file}.previous`, 'utf8')).toBe('first');
    expect(readFileSync(`${file}.previous-2`, 'utf8')).toBe('second');
  });
});
