/**
 * The page of the admin port in a real browser, compared with the metrics. With `UPDATE_SCREENSHOTS=1` the
 * screenshots of the README are written anew.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { AdminServer } from '../../src/admin/admin-server.ts';
import { loadPage } from '../../src/page/document.ts';
import { secretsIn } from '../support/canaries.ts';
import { onCleanup } from '../support/cleanup.ts';
import { type BrowserPage, openBrowser } from '../support/devtools.ts';
import { readAdmin } from '../support/metric-values.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { onlyWith } from '../support/real-parts.ts';
import { UcwaClient } from '../support/ucwa-client.ts';

const testWithBrowser = onlyWith('chromium');
const writesScreenshots = process.env['UPDATE_SCREENSHOTS'] === '1';
const rounds = writesScreenshots ? 40 : 3;
const timeoutMs = 60_000;

const textOf = (id: string): string => `document.getElementById('${id}')?.textContent`;
const rowsOf = (id: string): string =>
  `[...document.querySelectorAll('#${id} > *')].map(({ innerText }) => innerText)`;

/** The starts of an application: the first calls of each user come at once. */
const paths = ['me', 'people', 'me/note', 'me/presence', 'communication', 'people/contacts'];

async function startApps(client: UcwaClient, users: number, search: boolean): Promise<void> {
  await Promise.all(
    Array.from({ length: users }, (_, user) =>
      client.askAll(
        [...paths, ...(search && user % 3 === 0 ? ['people/search?query=a'] : [])].map(
          (path) => `/ucwa/oauth/v1/applications/${1000 + user}/${path}`,
        ),
        { token: `cwt=sim-user${user}` },
      ),
    ),
  );
}

async function takeScreenshot(page: BrowserPage, scheme: 'light' | 'dark'): Promise<void> {
  const features = [{ name: 'prefers-color-scheme', value: scheme }];
  await page.send('Emulation.setEmulatedMedia', { features });
  await page.evaluate('new Promise((seen) => setTimeout(seen, 600))');
  writeFileSync(`docs/page-${scheme}.png`, await page.screenshot());
}

testWithBrowser(
  'the page shows what the metrics say',
  async () => {
    const pool = await startPool({
      limit: 9,
      latency: (route) => (route === 'people/search' ? 180 : route === 'me' ? 12 : 25),
    });
    const proxy = await startProxy(pool.url);
    const page = await openBrowser(1240, 1180);
    await page.goTo(`http://127.0.0.1:${proxy.ports.admin}/`);
    await page.until(`${textOf('state')} === 'live'`);
    const client = new UcwaClient(proxy.url);
    for (let round = 0; round < rounds; round += 1) await startApps(client, 8, round % 4 === 0);
    if (writesScreenshots) {
      const over = new AbortController();
      const load = (async () => {
        while (!over.signal.aborted) await startApps(client, 8, Math.random() < 0.3);
      })();
      await takeScreenshot(page, 'light');
      await takeScreenshot(page, 'dark');
      over.abort();
      await load;
    }
    await client.ask('/');
    await page.until(`/, 1 passed through,/.test(${textOf('totals')})`);
    const metrics = await proxy.metrics();
    const sum = (name: string): string =>
      [...metrics]
        .filter(([series]) => series.startsWith(`ucwa_proxy_${name}`))
        .reduce((total, [, value]) => total + value, 0)
        .toLocaleString('en');
    const refusedByPool = ['batch', 'single']
      .map((kind) => metrics.get(`ucwa_proxy_upstream_responses_total{kind="${kind}",code="429"}`))
      .reduce<number>((total, value) => total + (value ?? 0), 0);
    const totals = await page.evaluate<string>(textOf('totals'));
    expect(totals.replace(/^.*?: /, '')).toBe(
      `${sum('calls_total')} calls, ${sum('batches_total')} batches, ` +
        `${sum('batch_parts_sum')} parts in them, ` +
        `${sum('upstream_duration_seconds_count{kind="single"')} single requests, ` +
        `${sum('upstream_responses_total{kind="passthrough"')} passed through, ` +
        `${sum('refused_total')} refused here, ` +
        `${refusedByPool} refused by the pool, ` +
        `${sum('429_splits_total')} splits.`,
    );
    expect(await page.evaluate(textOf('sentence'))).toMatch(
      /^[\d.,]+ calls\/s in, [\d.,]+ requests\/s to the pool; a caller waits [\d.]+ ms more, p95 [\d.]+\.$/,
    );
    const departures = await page.evaluate<string[]>(rowsOf('departures'));
    expect(departures.join('\n')).toMatch(/#\d+ [0-9a-f]{8} \d+ parts[^]*held [\d.]+ ms: /);
    const users = await page.evaluate<string[]>(rowsOf('user-rows'));
    expect(users).toHaveLength(8);
    const logged = proxy.log.map((line) => (JSON.parse(line) as { user?: string }).user);
    for (const row of users) expect(logged).toContain(row.slice(0, 8));
    const routes = await page.evaluate<string[]>(rowsOf('route-rows'));
    expect(routes.join('\n')).toMatch(/^GET \/me\/note\t\d+\t[\d.]+\t[\d.]+\tbatched$/m);
    const taps = await page.evaluate<string[]>(rowsOf('tap-rows'));
    expect(taps.join('\n')).toMatch(/\tbatch\t200\t[^]*id=\d+; parts=\d+; position=\d+; hold=/);
    expect(await page.evaluate<string[]>(rowsOf('server-rows'))).toEqual([
      expect.stringContaining(pool.url),
    ]);
    expect(await page.evaluate<string[]>(rowsOf('health'))).toEqual(['[-]pool: not checked yet']);
    expect(secretsIn(await page.evaluate('document.documentElement.outerHTML'))).toEqual([]);

    // The keyboard moves a slider, too.
    await page.until(`${rowsOf('what-if-rows')}.length === 2`);
    await page.evaluate(`document.getElementById('linger').focus()`);
    const key = { key: 'End', code: 'End', windowsVirtualKeyCode: 35 };
    await page.send('Input.dispatchKeyEvent', { type: 'keyDown', ...key });
    await page.send('Input.dispatchKeyEvent', { type: 'keyUp', ...key });
    expect(await page.evaluate(textOf('linger-value'))).toBe('100 ms');

    await page.evaluate(`document.activeElement.blur()`);
    const press = (text: string) =>
      page.send('Input.dispatchKeyEvent', { type: 'keyDown', text, key: text });
    await press('2');
    expect(await page.evaluate('document.activeElement.id')).toBe('users');
    const collects = async (): Promise<boolean> => {
      const query = 'lingerMaxMs=15&maxParts=20&exchangeRateMs=50';
      const { status } = await readAdmin(proxy.ports.admin, `/what-if?${query}`);
      return status !== 409;
    };
    await press('p');
    expect(await page.evaluate(textOf('state'))).toBe('paused');
    while (await collects());
    await press('p');
    await page.until(`${textOf('state')} === 'live'`);
    // A hidden page closes its feed.
    const hide = (isHidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
         document.dispatchEvent(new Event('visibilitychange'))`,
      );
    await hide(true);
    expect(await page.evaluate(textOf('state'))).toBe('hidden');
    while (await collects());
    await hide(false);
    await page.until(`${textOf('state')} === 'live'`);
    expect(page.complaints.filter((one) => !/409|503/.test(one))).toEqual([]);
  },
  timeoutMs,
);

testWithBrowser(
  'the page shows the mode in force, and the switch that set it',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'page-'));
    onCleanup(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'token');
    writeFileSync(file, 'a-token-of-the-admin-port\n');
    const pool = await startPool();
    const proxy = await startProxy(pool.url, { UCWA_PROXY_ADMIN_TOKEN_FILE: file });
    const page = await openBrowser();
    await page.goTo(`http://127.0.0.1:${proxy.ports.admin}/`);
    await page.until(`${textOf('mode')} === 'batching adaptive'`);
    const post = async (query: string): Promise<void> => {
      const answer = await fetch(`http://127.0.0.1:${proxy.ports.admin}/batching?${query}`, {
        method: 'POST',
        headers: { Authorization: 'Bearer a-token-of-the-admin-port' },
      });
      expect(answer.status).toBe(200);
    };
    await post('mode=off&minutes=5');
    await page.until(`${textOf('mode')} === 'batching off'`);
    expect(await page.evaluate<string[]>(rowsOf('switches'))).toEqual([
      expect.stringMatching(/^Switched: batching\.mode off until \d{4}-/),
    ]);
    await post('mode=settings');
    await page.until(`${textOf('mode')} === 'batching adaptive'`);
    expect(await page.evaluate<string[]>(rowsOf('switches'))).toEqual([]);
  },
  timeoutMs,
);

testWithBrowser(
  'the page shows the proof while there is one, as /config does',
  async () => {
    const pool = await startPool();
    const share = { UCWA_PROXY_BATCHING_SHARE: '0.5' };
    // With this key both groups have users.
    const proxy = await startProxy(pool.url, share, { userHashKey: Buffer.alloc(32, 1) });
    const page = await openBrowser();
    await page.goTo(`http://127.0.0.1:${proxy.ports.admin}/`);
    await page.until(`document.querySelectorAll('#holdout-rows tr').length === 5`);
    const client = new UcwaClient(proxy.url);
    await startApps(client, 8, false);
    const row = `[...document.querySelectorAll('#holdout-rows tr')][0].innerText`;
    const said = async (): Promise<string | undefined> => {
      const { body } = await readAdmin(proxy.ports.admin, '/config');
      const { holdout } = JSON.parse(body) as { holdout: { sentence: string } };
      return /requests for each call (\S+ against \S+?),/.exec(holdout.sentence)?.[1];
    };
    const shown = async (): Promise<string> => {
      const [, batched = '', direct = ''] = (await page.evaluate<string>(row)).split('\t');
      return `${batched} against ${direct}`;
    };
    // The last calls count a moment after their answers.
    while (!/^\d\.\d\d against 1\.00$/.test(await shown()) || (await said()) !== (await shown()));
    const { current } = proxy.settings;
    const batching = { ...current.batching, share: 1, verify: 1 };
    proxy.settings.reload({ ...current, batching }, new Map());
    await page.until(`document.getElementById('holdout').hidden`);
    await page.until(
      `/^Parity: no answer from a batch was compared yet[.]$/.test(${textOf('parity')})`,
    );
  },
  timeoutMs,
);

testWithBrowser(
  'hostile names stay text',
  async () => {
    const bad = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    const count = { calls: 1, batches: 1, singles: 1, passedThrough: 1, parts: 1 };
    const cells = [
      [200, 0, 5, 0],
      [-1, 0, 5, 1],
    ];
    const row = {
      key: bad,
      id: bad,
      user: bad,
      kind: bad,
      flush: bad,
      fault: bad,
      parts: 2,
      cells,
    };
    const times = { holdMs: 1, queueMs: 2, tookMs: 3, isOver: true, wasLate: true };
    const tapped = { method: bad, route: bad, via: bad, status: 200, tookMs: 1, user: bad };
    const frame = {
      watchedMs: 1000,
      effect: { callsPerS: 1, requestsPerS: 1, waited: 1, waitMs: 1, waitP95Ms: 1 },
      totals: { ...count, refused: 1, refusedByPool: 1, splits: 1 },
      board: { live: 1, names: [bad], rows: [{ ...row, ...times }] },
      users: { known: 1, rows: [{ user: bad, outstanding: 1, limit: 1, pauseMs: 5 }] },
      routes: [{ route: bad, calls: 1, p50Ms: 1, p95Ms: 1, lane: bad }],
      timeLine: { refused: [1], refusedByPool: [1], splits: [1] },
      tap: { skipped: 1, rows: [{ ...tapped, explain: bad, reason: bad }] },
      servers: [{ server: bad, pool: bad, state: bad, reason: bad, tier: bad }],
      health: [bad],
      batching: { mode: bad, lingerMaxMs: 1, maxParts: 1, exchangeRateMs: 1 },
      switches: [{ setting: bad, value: bad, until: bad }],
      proof: { parity: bad, holdout: [[bad, bad, bad, bad]], unbatched: [[bad, bad]] },
    };
    const admin = new AdminServer({
      ...{ hosts: [], version: '0', readiness: () => ({}), config: () => ({}), servers: () => [] },
      metrics: { contentType: 'text/plain', render: () => Promise.resolve('') },
      page: {
        document: loadPage,
        subscribe(response: ServerResponse, head) {
          response.writeHead(200, head);
          const batching = { mode: bad, lingerMaxMs: 1, maxParts: 1, exchangeRateMs: 1 };
          response.write(`event: hello\ndata: ${JSON.stringify({ version: bad, batching })}\n\n`);
          response.write(`data: ${JSON.stringify(frame)}\n\n`);
          return true;
        },
        whatIf: () => Promise.resolve({ status: 200, value: {} }),
      },
    });
    onCleanup(() => admin.stop());
    const port = await admin.listen('127.0.0.1', 0);
    const page = await openBrowser();
    await page.goTo(`http://127.0.0.1:${port}/`);
    await page.until(`document.querySelectorAll('#tap-rows td').length === 7`);
    const seen = await page.evaluate<string>('document.body.textContent');
    expect(seen.split(bad).length).toBeGreaterThan(18);
    expect(await page.evaluate(`document.querySelectorAll('img, script').length`)).toBe(1);
    expect(await page.evaluate('document.title')).toBe('ucwa-batch-proxy');
    expect(page.complaints).toEqual([]);
  },
  timeoutMs,
);
