/**
 * The HTTP client of a play. It takes absolute URLs, finds the ports of their hosts in a table instead
 * of DNS, and notes each port that it uses.
 */
import { Agent, request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { onCleanup } from '../support/cleanup.ts';
import { Document } from './document.ts';

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sends the body only after `100 Continue`, as the .NET Framework does. */
  readonly expectsContinue?: boolean;
}

export interface Heard {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Values of all fields `WWW-Authenticate`. */
  readonly challenges: readonly string[];
  readonly text: string;
  readonly json: Document;
}

/** Returns the port of a host and port as in a URL, or undefined for an unknown name. */
export type Resolve = (host: string) => number | undefined;

export class HttpClient {
  /** Ports of this machine that the client has sent requests to. */
  readonly ports = new Set<number>();
  /** Number of answers to polls that had events. */
  eventAnswers = 0;
  readonly #resolve: Resolve;
  readonly #agent: Agent;

  /** @param maxSockets connections that the client opens to one port */
  constructor(resolve: Resolve, maxSockets = Infinity) {
    this.#resolve = resolve;
    this.#agent = new Agent({ keepAlive: true, maxSockets });
    onCleanup(() => this.#agent.destroy());
  }

  /** Returns a client with one connection that notes its ports here. */
  ofOneConnection(): HttpClient {
    const client = new HttpClient((host) => {
      const port = this.#resolve(host);
      if (port !== undefined) this.ports.add(port);
      return port;
    }, 1);
    return client;
  }

  /** Rejects for a name without an address, and if the connection breaks. */
  async ask(url: string, asked: Asked = {}): Promise<Heard> {
    const { method = 'GET', headers = {}, body, expectsContinue = false } = asked;
    const { host, pathname } = new URL(url);
    // The target is sent as the client writes it. `URL` would normalize it.
    const target = /^https?:\/\/[^/]*(.*)$/.exec(url)?.[1] ?? '';
    const port = this.#resolve(host);
    if (port === undefined) throw new Error(`no address of ${host}`);
    this.ports.add(port);
    const framing = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const expecting = expectsContinue ? { Expect: '100-continue' } : {};
    const heard = await new Promise<Heard>((resolve, reject) => {
      const sent = request(
        {
          ...{ host: '127.0.0.1', port, method, agent: this.#agent },
          ...{ path: target === '' ? '/' : target },
          headers: { Host: host, ...framing, ...expecting, ...headers },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('error', reject).on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => {
            const whole = Buffer.concat(chunks);
            const isCompressed = answer.headers['content-encoding'] === 'gzip' && whole.length > 0;
            const text = (isCompressed ? gunzipSync(whole) : whole).toString();
            const fields = answer.rawHeaders;
            const isJson = answer.headers['content-type']?.includes('json') === true;
            resolve({
              status: answer.statusCode ?? 0,
              headers: answer.headers,
              challenges: fields.filter((_, i) => /^www-authenticate$/i.test(fields[i - 1] ?? '')),
              text,
              json: new Document(isJson ? JSON.parse(text) : undefined, url),
            });
          });
        },
      );
      sent.on('error', reject);
      if (!expectsContinue) sent.end(body);
      else {
        sent.on('continue', () => sent.end(body));
        sent.flushHeaders();
      }
    });
    const hasEvents = heard.json.at('sender').items.length > 0;
    if (pathname.endsWith('/events') && heard.status === 200 && hasEvents) this.eventAnswers++;
    return heard;
  }
}
