/** A client that follows every link, from discovery to the event channel, never connects to the pool itself. */
import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { onCleanup } from '../support/cleanup.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';

/** The client connects from this address, so that a pool can tell its connections from those of the proxy. */
const clientAddress = '127.0.0.9';

/** Starts a relay that records the address of each peer, and a simulated pool behind it with links to the relay. */
async function startWatchedPool() {
  const peers: string[] = [];
  let target = 0;
  const relay = createServer((socket: Socket) => {
    peers.push(socket.remoteAddress ?? '');
    const further = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [socket, further],
      [further, socket],
    ] as const) {
      from.pipe(to);
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
      onCleanup(() => void from.destroy());
    }
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  onCleanup(() => void relay.close());
  const url = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
  const pool = await startPool({ publicUrl: url });
  target = Number(new URL(pool.url).port);
  return { url, peers };
}

interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A client that knows only one address, and finds all others in answers. */
class FollowingClient {
  /** The origins of all requests. */
  readonly origins = new Set<string>();
  readonly #agent = new Agent({ keepAlive: true, localAddress: clientAddress });
  token = '';

  constructor() {
    onCleanup(() => this.#agent.destroy());
  }

  ask(url: URL, method = 'GET', body?: string, signal?: AbortSignal): Promise<Received> {
    this.origins.add(url.origin);
    const type =
      body?.startsWith('{') === true ? 'application/json' : 'application/x-www-form-urlencoded';
    const headers = {
      Accept: 'application/json',
      ...(body === undefined ? {} : { 'Content-Type': type }),
      ...(this.token === '' ? {} : { Authorization: `Bearer ${this.token}` }),
    };
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, headers, agent: this.#agent, ...(signal && { signal }) });
      sent.on('error', reject);
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      });
      sent.end(body);
    });
  }

  async signIn(challenges: string | undefined): Promise<void> {
    const href = /MsRtcOAuth href="([^"]*)"/.exec(challenges ?? '')?.[1] ?? '';
    const { text } = await this.ask(
      new URL(href),
      'POST',
      'grant_type=password&username=ann&password=p',
    );
    this.token = (JSON.parse(text) as { access_token: string }).access_token;
  }
}

/** All links of a document, by relation. */
function linksIn(text: string, base: URL): Map<string, URL> {
  const found = new Map<string, URL>();
  const visit = (value: unknown, name: string): void => {
    if (typeof value !== 'object' || value === null) return;
    const { href } = value as { href?: unknown };
    if (typeof href === 'string' && !href.startsWith('data:')) found.set(name, new URL(href, base));
    for (const [key, inner] of Object.entries(value)) visit(inner, key);
  };
  try {
    visit(JSON.parse(text), '');
  } catch {
    // A page in HTML.
  }
  return found;
}

async function followAll(
  client: FollowingClient,
  start: string,
): Promise<{ visited: string[]; events: URL }> {
  const visited = new Set<string>();
  const waiting = [new URL(start)];
  let events: URL | undefined;
  for (let url = waiting.shift(); url !== undefined; url = waiting.shift()) {
    if (visited.has(url.href)) continue;
    visited.add(url.href);
    let answer = await client.ask(url);
    if (answer.status === 401) {
      await client.signIn(answer.headers['www-authenticate']);
      answer = await client.ask(url);
    }
    for (const [relation, link] of linksIn(answer.text, url)) {
      if (relation === 'events') {
        events = link;
      } else if (relation === 'applications') {
        const input = { UserAgent: 'test', EndpointId: 'e', Culture: 'en-US' };
        const created = await client.ask(link, 'POST', JSON.stringify(input));
        expect(created.status).toBe(201);
        for (const [name, inner] of linksIn(created.text, link)) {
          if (name === 'events') events = inner;
          else waiting.push(inner);
        }
      } else {
        waiting.push(link);
      }
    }
  }
  if (events === undefined) throw new Error('no link to the event channel');
  return { visited: [...visited], events };
}

test('through the proxy, each link leads to the proxy, and only the proxy connects to the pool', async () => {
  const pool = await startWatchedPool();
  const proxy = await startProxy(pool.url);
  const client = new FollowingClient();
  const { visited, events } = await followAll(client, `${proxy.url}/`);
  const paths = visited.map((href) => new URL(href).pathname.toLowerCase());
  expect(paths).toContain('/autodiscover/xframe/xframe.html');
  expect(paths).toContain('/autodiscover/autodiscoverservice.svc/root/oauth/user');
  expect(paths.filter((path) => path.startsWith('/ucwa/')).length).toBeGreaterThan(5);
  const leaving = new AbortController();
  const poll = client.ask(events, 'GET', undefined, leaving.signal).catch(() => undefined);
  await proxy.untilMetric('ucwa_proxy_long_polls', (polls) => polls === 1);
  leaving.abort();
  await poll;
  expect([...client.origins]).toEqual([proxy.url]);
  expect(pool.peers.length).toBeGreaterThan(0);
  expect(pool.peers).not.toContain(clientAddress);
});

test('without the proxy, the same client connects to the pool, and the pool sees it', async () => {
  const pool = await startWatchedPool();
  const client = new FollowingClient();
  await followAll(client, `${pool.url}/`);
  expect(new Set(pool.peers)).toEqual(new Set([clientAddress]));
});
