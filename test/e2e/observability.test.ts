import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { onlyWith } from '../support/real-parts.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { readAdmin } from '../support/metric-values.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

const testWithPromtool = onlyWith('promtool');

const batchesOfThree = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '3',
};

describe('metrics', () => {
  test('exist from the start, with value 0', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    const metrics = await proxy.metrics();
    const ours = [...metrics].filter(([series]) => series.startsWith('ucwa_proxy_'));
    const isLimit = (series: string): boolean => series.startsWith('ucwa_proxy_limit{');
    const expected = [
      'ucwa_proxy_calls_total{via="batch",code="200"}',
      'ucwa_proxy_calls_total{via="refused",code="other"}',
      'ucwa_proxy_call_duration_seconds_count{via="single"}',
      'ucwa_proxy_batch_parts_count',
      'ucwa_proxy_batch_bytes_count',
      'ucwa_proxy_batches_total{flush_reason="linger"}',
      'ucwa_proxy_hold_seconds_count',
      'ucwa_proxy_queue_seconds_count{reason="slots"}',
      'ucwa_proxy_queue_seconds_count{reason="limit"}',
      'ucwa_proxy_upstream_responses_total{kind="batch",code="429"}',
      'ucwa_proxy_429_splits_total{depth="4+"}',
      'ucwa_proxy_split_parts_count',
      'ucwa_proxy_requeued_calls_total{reason="refused"}',
      'ucwa_proxy_learned_limit_count',
      'ucwa_proxy_repeats_total{reason="late",outcome="needless"}',
      'ucwa_proxy_late_batches_total',
      'ucwa_proxy_upstream_duration_seconds_count{kind="passthrough"}',
      'ucwa_proxy_outstanding_calls',
      'ucwa_proxy_held_calls',
      'ucwa_proxy_users{state="active"}',
      'ucwa_proxy_passthrough_total{reason="events"}',
      'ucwa_proxy_long_polls',
      'ucwa_proxy_client_aborts_total{stage="held"}',
      'ucwa_proxy_refused_total{reason="host"}',
      'ucwa_proxy_protocol_errors_total{kind="fewer_parts"}',
      'ucwa_proxy_invariant_violations_total{invariant="one_key"}',
      'ucwa_proxy_connections{side="client"}',
      'ucwa_proxy_bound_connections',
      'ucwa_proxy_upstream_errors_total{kind="dns_error"}',
      'ucwa_proxy_pools{state="unreachable"}',
      'ucwa_proxy_upstream_requests_saved',
    ];
    for (const series of expected) expect([series, metrics.get(series)]).toEqual([series, 0]);
    const notZero = ours.filter(([, value]) => value !== 0).map(([series]) => series);
    expect(notZero.filter((series) => !isLimit(series))).toEqual([
      'ucwa_proxy_servers{state="active"}',
      'ucwa_proxy_pools{state="unknown"}',
      'ucwa_proxy_config_last_reload_successful',
      'ucwa_proxy_config_last_reload_success_timestamp_seconds',
      'ucwa_proxy_config_hash',
      'ucwa_proxy_parity_upper_bound',
      `ucwa_proxy_build_info{version="0.0.0-test",node_version="${process.version}"}`,
    ]);
    expect(ours.length).toBeLessThan(650);
  });

  test('count the work of batches, of unbatched calls and of passed-through calls', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, batchesOfThree);
    const client = new UcwaClient(proxy.url);
    await client.askAll(notes(3));
    await client.ask('/');
    const metrics = await proxy.metrics();
    const value = (name: string): number | undefined => metrics.get(`ucwa_proxy_${name}`);
    expect(value('batches_total{flush_reason="parts"}')).toBe(1);
    expect(value('batch_parts_sum')).toBe(3);
    expect(value('upstream_requests_saved')).toBe(2);
    expect(value('calls_total{via="batch",code="200"}')).toBe(3);
    expect(value('call_duration_seconds_count{via="batch"}')).toBe(3);
    expect(value('hold_seconds_count')).toBe(3);
    expect(value('upstream_responses_total{kind="batch",code="200"}')).toBe(1);
    expect(value('upstream_duration_seconds_count{kind="batch"}')).toBe(1);
    expect(value('passthrough_total{reason="outside"}')).toBe(1);
    expect(value('upstream_responses_total{kind="passthrough",code="200"}')).toBe(1);
    expect(value('connections{side="client"}')).toBeGreaterThan(0);
    expect(value('outstanding_calls')).toBe(0);
  });

  testWithPromtool('satisfy promtool', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, batchesOfThree);
    await new UcwaClient(proxy.url).askAll(notes(3));
    const { body } = await readAdmin(proxy.ports.admin, '/metrics');
    const ours = body
      .split('\n')
      .filter((line) => /^(?:# (?:HELP|TYPE) )?ucwa_proxy_/.test(line))
      .join('\n');
    const complaints = execFileSync('promtool', ['check', 'metrics'], {
      input: `${ours}\n`,
      encoding: 'utf8',
    });
    expect(complaints).toBe('');
  });
});

describe('the admin port', () => {
  test('serves health, metrics and version, and nothing else', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    const { admin } = proxy.ports;
    expect(await readAdmin(admin, '/livez')).toEqual({ status: 200, body: 'ok\n' });
    expect(await readAdmin(admin, '/readyz')).toEqual({ status: 200, body: 'ready\n' });
    expect((await readAdmin(admin, '/readyz?verbose')).body).toBe(
      '[+]serving\n[-]pool: not checked yet\nready\n',
    );
    expect(JSON.parse((await readAdmin(admin, '/version')).body)).toEqual({
      version: '0.0.0-test',
      node: process.version,
    });
    expect((await readAdmin(admin, '/metrics')).body).toContain('nodejs_eventloop_lag');
    expect((await readAdmin(admin, '/other')).status).toBe(404);
  });

  test('accepts no requests of web pages and no changes', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    const admin = new UcwaClient(`http://127.0.0.1:${proxy.ports.admin}`);
    expect((await admin.ask('/metrics', { headers: { Origin: 'http://evil' } })).status).toBe(403);
    expect((await admin.ask('/livez', { method: 'POST' })).status).toBe(405);
  });

  test('answers only to host names that no web page can have, and to those of admin.hosts', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, { UCWA_PROXY_ADMIN_HOSTS: 'a.example, *.b.example' });
    const admin = new UcwaClient(`http://127.0.0.1:${proxy.ports.admin}`);
    const statusOf = async (host: string) =>
      (await admin.ask('/metrics', { headers: { Host: host } })).status;
    expect(await statusOf('evil.example')).toBe(421);
    expect(await statusOf('a.example:9464')).toBe(200);
    expect(await statusOf('c.b.example')).toBe(200);
  });
});

describe('logs', () => {
  test('show a call by its route and a hash of its user, and show no secret', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
    await new UcwaClient(proxy.url).ask(`${app}/people/dana@secret.example/note?q=secret`, {
      token: 'cwt=sim-secret',
      headers: { Cookie: 'secret=1', 'X-Secret': 'secret' },
    });
    const line = JSON.parse(proxy.log.at(-1) ?? '') as Record<string, unknown>;
    expect(line).toMatchObject({
      msg: 'call',
      method: 'GET',
      route: '/ucwa/oauth/v1/applications/{}/people/{}/note',
      via: 'single',
      user: expect.stringMatching(/^[0-9a-f]{8}$/) as unknown,
    });
    expect(proxy.log.join('')).not.toContain('secret');
  });

  test('with access "problems" show only failures and refusals', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, {
      UCWA_PROXY_BATCHING_MODE: 'off',
      UCWA_PROXY_LOG_ACCESS: 'problems',
    });
    const client = new UcwaClient(proxy.url);
    pool.faults.add({ on: { target: `${app}/me` }, fault: { kind: 'status', status: 500 } });
    await client.ask(`${app}/me/note`);
    await client.ask(`${app}/me`);
    await client.ask('/x', { headers: { Host: 'a/b' } });
    const statuses = proxy.log.map((text) => (JSON.parse(text) as { status: number }).status);
    expect(statuses).toEqual([500, 400]);
  });
});
