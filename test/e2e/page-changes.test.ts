/** The page in a real browser while its feed ends and begins again, and while settings change. */
import { EventEmitter, once } from 'node:events';
import { createServer, request as ask, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from '@jest/globals';
import { AdminServer } from '../../src/admin/admin-server.ts';
import { loadPage } from '../../src/page/document.ts';
import { onCleanup } from '../support/cleanup.ts';
import { type BrowserPage, openBrowser } from '../support/devtools.ts';
import { onlyWith } from '../support/real-parts.ts';

const testWithBrowser = onlyWith('chromium');
const timeoutMs = 60_000;

const textOf = (id: string): string => `document.getElementById('${id}')?.textContent`;
const valueOf = (id: string): string => `document.getElementById('${id}')?.value`;

/** The admin port with a scripted feed. */
class ScriptedPort {
  hasRoom = true;
  batching = { mode: 'adaptive', lingerMaxMs: 15, maxParts: 20, exchangeRateMs: 50 };
  health: readonly string[] = [];
  readonly events = new EventEmitter();
  readonly #admin = new AdminServer({
    ...{ hosts: [], version: '0', readiness: () => ({}), config: () => ({}), servers: () => [] },
    metrics: { contentType: 'text/plain', render: () => Promise.resolve('') },
    page: {
      document: loadPage,
      subscribe: (response, head) => this.#subscribe(response, head),
      whatIf: (query) => {
        this.events.emit('what-if', query);
        const replay = { calls: 1, requests: 1, savedShare: 0, p50Ms: 1, p95Ms: 1 };
        return Promise.resolve({ status: 200, value: replay });
      },
    },
  });
  #feed: ServerResponse | undefined;

  async start(): Promise<string> {
    onCleanup(() => this.#admin.stop());
    return `http://127.0.0.1:${await this.#admin.listen('127.0.0.1', 0)}/`;
  }

  /** Sends a frame with nothing but the settings, and what is known about the pools. */
  sendFrame(): void {
    const totals = { calls: 0, batches: 0, singles: 0, passedThrough: 0, parts: 0 };
    const frame = {
      watchedMs: 1000,
      effect: { callsPerS: 0, requestsPerS: 0, waited: 0, waitMs: 0, waitP95Ms: 0 },
      totals: { ...totals, refused: 0, refusedByPool: 0, splits: 0 },
      ...{ board: { live: 0, names: [], rows: [] }, users: { known: 0, rows: [] }, routes: [] },
      timeLine: { refused: [0], refusedByPool: [0], splits: [0] },
      ...{ tap: { skipped: 0, rows: [] }, servers: [], health: this.health, switches: [] },
      batching: this.batching,
      proof: { parity: '', holdout: [], unbatched: [] },
    };
    this.#feed?.write(`data: ${JSON.stringify(frame)}\n\n`);
  }

  #subscribe(response: ServerResponse, head: Readonly<Record<string, string>>): boolean {
    this.events.emit('subscribe');
    if (!this.hasRoom) return false;
    this.#feed = response;
    response.writeHead(200, head);
    const hello = { version: '0', batching: this.batching };
    response.write(`event: hello\ndata: ${JSON.stringify(hello)}\n\n`);
    return true;
  }
}

/** Opens the page. Its pauses of seconds are short. */
async function open(port: ScriptedPort): Promise<BrowserPage> {
  const page = await openBrowser();
  const source =
    'const wait = window.setTimeout; window.setTimeout = (run, ms) => wait(run, Math.min(ms, 100))';
  await page.send('Page.addScriptToEvaluateOnNewDocument', { source });
  await page.goTo(await port.start());
  return page;
}

testWithBrowser(
  'a page without a feed says so, and asks until it has one',
  async () => {
    const port = new ScriptedPort();
    port.hasRoom = false;
    const page = await open(port);
    await page.until(`${textOf('state')}?.startsWith('no feed: eight pages are open')`);
    await once(port.events, 'subscribe');
    port.hasRoom = true;
    await page.until(`${textOf('state')} === 'live'`);
    // A hidden page asks for nothing. Shown again, it asks for replays again.
    const hide = (isHidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
         document.dispatchEvent(new Event('visibilitychange'))`,
      );
    await once(port.events, 'what-if');
    await hide(true);
    expect(await page.evaluate(textOf('state'))).toBe('hidden');
    await hide(false);
    await page.until(`${textOf('state')} === 'live'`);
    for (let replay = 0; replay < 5; replay += 1) await once(port.events, 'what-if');
  },
  timeoutMs,
);

testWithBrowser(
  'a page follows settings that change while it is open',
  async () => {
    const port = new ScriptedPort();
    const page = await open(port);
    await page.until(`${textOf('mode')} === '' && ${valueOf('linger')} === '15'`);
    await page.evaluate(
      `document.getElementById('parts').value = 30;
       document.getElementById('parts').dispatchEvent(new Event('input'))`,
    );
    port.batching = { mode: 'fixed', lingerMaxMs: 40, maxParts: 50, exchangeRateMs: 50 };
    port.sendFrame();
    await page.until(`${textOf('mode')} === 'batching fixed'`);
    expect(await page.evaluate(valueOf('linger'))).toBe('40');
    expect(await page.evaluate(textOf('linger-value'))).toBe('40 ms');
    // The operator has moved this one.
    expect(await page.evaluate(valueOf('parts'))).toBe('30');
    for (;;) {
      const [query] = (await once(port.events, 'what-if')) as [string];
      if (query === 'lingerMaxMs=40&maxParts=50&exchangeRateMs=50') break;
    }
    expect(page.complaints).toEqual([]);
  },
  timeoutMs,
);

testWithBrowser(
  'a dead pool stands above the rates',
  async () => {
    const port = new ScriptedPort();
    const page = await open(port);
    await page.until(`${textOf('state')} === 'live'`);
    port.health = [
      '[-]pool a: connection_refused since 2026-01-01T00:00:00.000Z',
      '[-]pool b: not checked yet',
      '[+]certificate pool: expires 2027-01-01',
    ];
    port.sendFrame();
    await page.until(`${textOf('mode')} !== ''`);
    expect(await page.evaluate(textOf('alarm'))).toBe(
      'pool a: connection_refused since 2026-01-01T00:00:00.000Z',
    );
    port.health = ['[+]pool a: reachable'];
    port.sendFrame();
    await page.until(`${textOf('alarm')} === ''`);
  },
  timeoutMs,
);

testWithBrowser(
  'the page works below a path prefix that a balancer removes',
  async () => {
    const port = new ScriptedPort();
    const admin = await port.start();
    const prefix = '/ops/proxy';
    const asked: string[] = [];
    const balancer = createServer(({ url = '', headers }, response) => {
      asked.push(url);
      const to = ask(new URL(url.replace(prefix, ''), admin), { headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(response);
      });
      to.on('error', () => response.destroy()).end();
    });
    balancer.listen(0, '127.0.0.1');
    await once(balancer, 'listening');
    onCleanup(() => {
      balancer.closeAllConnections();
      balancer.close();
    });
    const page = await openBrowser();
    const { port: at } = balancer.address() as AddressInfo;
    await page.goTo(`http://127.0.0.1:${at}${prefix}/`);
    await page.until(`${textOf('state')} === 'live'`);
    await page.until(`${textOf('linger-value')} === '15 ms'`);
    expect(asked).toEqual([`${prefix}/`, `${prefix}/events`]);
  },
  timeoutMs,
);
