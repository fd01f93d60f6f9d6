/** Serves health checks and metrics on a separate port, which clients of the proxy cannot reach. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { hasAdminToken } from './admin-token.ts';
import { type HostCheck, hostChecker } from './allowed-hosts.ts';
import { ConnectionSlots } from './connection-slots.ts';

export interface AdminParts {
  /** Returns each readiness condition by name, and whether the condition holds. */
  readonly readiness: () => Readonly<Record<string, boolean>>;
  /** Returns further lines of `/readyz?verbose`, which do not decide about readiness. */
  readonly readinessDetails?: () => readonly string[];
  readonly metrics: { render(): Promise<string>; readonly contentType: string };
  readonly version: string;
  /** Returns the servers of the pools, as values of JSON. */
  readonly servers: () => readonly object[];
  /** Answers authorized requests that change something. `undefined`: there are none. */
  readonly switches?: {
    readonly tokenFile: string;
    readonly apply: (path: string, query: string) => AdminAnswer;
  };
  /** Returns the settings in force, as a value of JSON. */
  readonly config: () => object;
  /** The page at `/`; without it there is none. */
  readonly page?: AdminPage | undefined;
  /** Host names that are accepted in addition to IP addresses and names inside the cluster. */
  readonly hosts: readonly string[];
}

/** The answer to a request that changes something. The body becomes JSON. */
export interface AdminAnswer {
  readonly status: number;
  readonly body: object;
}

/** The page for people, and what it asks for. */
export interface AdminPage {
  document(): { readonly body: Buffer; readonly headers: Readonly<Record<string, string>> };
  /** Sends this head and events from now on. Returns `false`, and sends nothing, if there is no room. */
  subscribe(response: ServerResponse, head: Readonly<Record<string, string>>): boolean;
  /** @param isWanted whether the client still waits */
  whatIf(query: string, isWanted: () => boolean): Promise<{ status: number; value: object }>;
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Short timeouts, because a client without a request must not hold a connection for long. */
const timesMs = { headersTimeout: 2000, requestTimeout: 2000, connectionsCheckingInterval: 250 };
/**
 * Time without traffic after which a connection with an unread answer is destroyed, in ms. Destruction can take
 * up to twice this time.
 */
const stallMs = 2000;

/**
 * Pause between two renderings of the metrics, as a multiple of the last rendering time. Many scrapers then
 * cannot block the event loop.
 */
const restFactor = 2;
/** Upper bound of the pause, in ms. A machine that stood still makes the measured rendering time too long. */
const maxRestMs = 100;

const text = 'text/plain; charset=utf-8';
const switchPaths: ReadonlySet<string> = new Set(['/batching', '/log']);
const paths = '/ /livez /readyz /metrics /servers /config /version';
const events = 'text/event-stream';
/** A balancer in between must not collect events before it sends them on. */
const eventFields = { 'Content-Type': events, 'X-Accel-Buffering': 'no' };
const always = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  // Web pages of other origins cannot embed what is here.
  'Cross-Origin-Resource-Policy': 'same-origin',
};
/** The policy of all answers but the page. */
const nothing = { 'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'" };

/**
 * Whether a web page of another origin asks. Browsers send these fields. The page itself has no data, so that a link on
 * another page may lead to it.
 */
function isFromOtherPage({ headers }: IncomingMessage, path: string): boolean {
  if (headers.origin !== undefined) return true;
  const site = headers['sec-fetch-site'];
  const isLink =
    headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if (path === '/' && isLink) return false;
  return site === 'cross-site' || site === 'same-site';
}

export class AdminServer {
  readonly #server: Server;
  readonly #parts: AdminParts;
  readonly #slots = new ConnectionSlots();
  readonly #checkHost: (hosts: readonly string[] | undefined) => HostCheck;
  #rendering: Promise<Buffer> | undefined;
  #restUntilMs = 0;

  constructor(parts: AdminParts) {
    this.#parts = parts;
    this.#checkHost = hostChecker(parts.hosts);
    this.#server = createServer(timesMs, (request, response) => {
      const { socket } = request;
      if (!this.#slots.begin(socket)) return;
      response.once('close', () => this.#slots.end(socket));
      void this.#answer(request, response);
    });
    this.#server.timeout = stallMs;
    this.#server.on('connection', (socket) => this.#slots.open(socket));
  }

  /** Starts the server and returns its port. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.removeListener('error', reject);
        // A failure to accept one connection does not affect other connections.
        this.#server.on('error', () => undefined);
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const page = await this.#page(request, response).catch((): Page => ({
      status: 500,
      type: text,
      body: 'failed\n',
    }));
    if (page === 'streams') return;
    response.writeHead(page.status, {
      ...(page.headers ?? nothing),
      'Content-Type': page.type,
      'Content-Length': Buffer.byteLength(page.body),
      ...always,
    });
    response.end(request.method === 'HEAD' ? undefined : page.body);
  }

  async #page(request: IncomingMessage, response: ServerResponse): Promise<Page | 'streams'> {
    switch (this.#checkHost(request.headersDistinct['host'])) {
      case 'illegal':
        return { status: 400, type: text, body: 'one legal Host is needed\n' };
      case 'unknown':
        return { status: 421, type: text, body: 'not a name of this port, see admin.hosts\n' };
      case 'allowed':
    }
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const isSwitch = this.#parts.switches !== undefined && switchPaths.has(path);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isSwitch ? request.method !== 'POST' : !isRead) {
      return { status: 405, type: text, body: isSwitch ? 'POST only\n' : 'GET only\n' };
    }
    if (isFromOtherPage(request, path)) {
      return { status: 403, type: text, body: 'not for web pages\n' };
    }
    if (isSwitch) return this.#switch(request, path, query);
    const { page } = this.#parts;
    switch (path) {
      case '/':
        if (page === undefined) break;
        return { status: 200, type: 'text/html; charset=utf-8', ...page.document() };
      case '/events':
        if (page === undefined) break;
        return this.#events(page, request, response);
      case '/what-if':
        if (page === undefined) break;
        return this.#whatIf(page, query, response);
      case '/livez':
        return { status: 200, type: text, body: 'ok\n' };
      case '/readyz':
        return this.#readyz(query.split('&').includes('verbose'));
      case '/metrics':
        return {
          status: 200,
          type: this.#parts.metrics.contentType,
          body: await (this.#rendering ??= this.#render()),
        };
      case '/servers':
        return json({ servers: this.#parts.servers() });
      case '/config':
        return json(this.#parts.config());
      case '/version':
        return {
          status: 200,
          type: 'application/json',
          body: `${JSON.stringify({ version: this.#parts.version, node: process.version })}\n`,
        };
    }
    return { status: 404, type: text, body: `${paths}\n` };
  }

  /** Begins the feed. Its answer has no end. */
  #events(page: AdminPage, request: IncomingMessage, response: ServerResponse): Page | 'streams' {
    if (request.method === 'HEAD') return { status: 200, type: events, body: '' };
    if (page.subscribe(response, { ...eventFields, ...nothing, ...always })) return 'streams';
    return {
      status: 503,
      type: text,
      body: 'too many pages are open, or the page is off (see the log)\n',
    };
  }

  async #whatIf(page: AdminPage, query: string, response: ServerResponse): Promise<Page> {
    // A replay can take longer than a connection may be without traffic. It has a bound of its own.
    response.setTimeout(0);
    const { status, value } = await page.whatIf(query, () => !response.destroyed);
    response.setTimeout(stallMs);
    return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` };
  }

  async #switch(request: IncomingMessage, path: string, query: string): Promise<Page> {
    const { switches } = this.#parts;
    const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
    if (coding !== undefined || Number(length) !== 0)
      return { status: 413, type: text, body: 'no body is needed\n' };
    const { authorization } = request.headersDistinct;
    if (switches === undefined || !(await hasAdminToken(authorization, switches.tokenFile)))
      return { status: 403, type: text, body: 'needs the token of admin.tokenFile\n' };
    const { status, body } = switches.apply(path, query);
    return { ...json(body), status };
  }

  /** Renders the metrics once for all requests that wait. Rendering blocks the event loop for milliseconds. */
  async #render(): Promise<Buffer> {
    await delay(Math.max(0, this.#restUntilMs - performance.now()));
    this.#rendering = undefined;
    const startedAtMs = performance.now();
    const page = Buffer.from(await this.#parts.metrics.render());
    const endedAtMs = performance.now();
    this.#restUntilMs = endedAtMs + Math.min(maxRestMs, restFactor * (endedAtMs - startedAtMs));
    return page;
  }

  #readyz(verbose: boolean): Page {
    const conditions = Object.entries(this.#parts.readiness());
    const ready = conditions.every(([, holds]) => holds);
    const lines = conditions.map(([name, holds]) => `[${holds ? '+' : '-'}]${name}\n`);
    const details = (verbose ? (this.#parts.readinessDetails?.() ?? []) : []).map(
      (line) => `${line}\n`,
    );
    return {
      status: ready ? 200 : 503,
      type: text,
      body: `${verbose || !ready ? lines.join('') : ''}${details.join('')}${ready ? 'ready' : 'not ready'}\n`,
    };
  }
}

function json(value: object): Page {
  return { status: 200, type: 'application/json', body: `${JSON.stringify(value, null, 2)}\n` };
}
