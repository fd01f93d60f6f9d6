/** Health and metrics, on a port of their own that clients do not reach. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export interface AdminParts {
  /** Name of each condition for readiness, and whether it holds. */
  readonly readiness: () => Readonly<Record<string, boolean>>;
  readonly metrics: { render(): Promise<string>; readonly contentType: string };
  readonly version: string;
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Scrapers, probes and a person or two; files for more are not accounted for. */
const maxConnections = 32;
/** Whoever only holds a connection must not keep the probes out. */
const timesMs = { headersTimeout: 2000, requestTimeout: 2000, connectionsCheckingInterval: 250 };

const text = 'text/plain; charset=utf-8';

export class AdminServer {
  readonly #server: Server;
  readonly #parts: AdminParts;

  constructor(parts: AdminParts) {
    this.#parts = parts;
    this.#server = createServer(timesMs, (request, response) => {
      void this.#answer(request, response);
    });
    this.#server.maxConnections = maxConnections;
  }

  /** The port it listens at, once it does. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.removeListener('error', reject);
        // A connection that cannot be accepted is nobody else's loss.
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
    const page = await this.#page(request).catch((): Page => ({
      status: 500,
      type: text,
      body: 'failed\n',
    }));
    response.writeHead(page.status, {
      'Content-Type': page.type,
      'Content-Length': Buffer.byteLength(page.body),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : page.body);
  }

  async #page(request: IncomingMessage): Promise<Page> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return { status: 405, type: text, body: 'GET only\n' };
    }
    // A web page in somebody's browser has no business here.
    if (
      request.headers.origin !== undefined ||
      request.headers['sec-fetch-site'] === 'cross-site'
    ) {
      return { status: 403, type: text, body: 'not for web pages\n' };
    }
    const [path, query] = (request.url ?? '').split('?', 2);
    switch (path) {
      case '/livez':
        return { status: 200, type: text, body: 'ok\n' };
      case '/readyz':
        return this.#readyz(query?.split('&').includes('verbose') === true);
      case '/metrics': {
        const { metrics } = this.#parts;
        return { status: 200, type: metrics.contentType, body: await metrics.render() };
      }
      case '/version':
        return {
          status: 200,
          type: 'application/json',
          body: `${JSON.stringify({ version: this.#parts.version, node: process.version })}\n`,
        };
      default:
        return { status: 404, type: text, body: '/livez /readyz /metrics /version\n' };
    }
  }

  #readyz(verbose: boolean): Page {
    const conditions = Object.entries(this.#parts.readiness());
    const ready = conditions.every(([, holds]) => holds);
    const lines = conditions.map(([name, holds]) => `[${holds ? '+' : '-'}]${name}\n`);
    return {
      status: ready ? 200 : 503,
      type: text,
      body: `${verbose || !ready ? lines.join('') : ''}${ready ? 'ready' : 'not ready'}\n`,
    };
  }
}
