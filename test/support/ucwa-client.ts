import { Agent, request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { entrust, secretsIn } from './canaries.ts';
import { onCleanup } from './cleanup.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly text: string;
}

export interface Asked {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
}

export const app = '/ucwa/oauth/v1/applications/1045';

/** A client with as many connections of its own as it needs. */
export class UcwaClient {
  readonly #agent: Agent;
  readonly #base: string;

  /** `address` is the local address that the client connects from. */
  constructor(base: string, address = '127.0.0.1') {
    this.#agent = new Agent({ keepAlive: true, localAddress: address });
    this.#base = base;
    onCleanup(() => this.#agent.destroy());
  }

  /** Rejects when the connection breaks before the answer is complete. */
  ask(target: string, asked: Asked = {}): Promise<Answer> {
    const { method = 'GET', token = 'cwt=sim-ann', headers = {}, body, signal } = asked;
    const { hostname, port } = new URL(this.#base);
    entrust(body);
    entrust(headers['Cookie']?.toString());
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: hostname,
          port,
          path: target,
          method,
          agent: this.#agent,
          headers: {
            ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
            Accept: 'application/json',
            ...headers,
          },
          ...(signal === undefined ? {} : { signal }),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const whole = Buffer.concat(chunks);
            const isOwn = response.headers['content-type']?.startsWith('application/problem');
            const shown = isOwn === true ? secretsIn(whole.toString()) : [];
            if (shown.length > 0)
              reject(new Error(`an answer of the proxy shows ${shown.join(' ')}`));
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              rawHeaders: response.rawHeaders,
              body: whole,
              text: whole.toString(),
            });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Closes the connections. Otherwise the proxy waits a second for them when it stops. */
  close(): void {
    this.#agent.destroy();
  }

  askAll(targets: readonly string[], asked: Asked = {}): Promise<Answer[]> {
    return Promise.all(targets.map((target) => this.ask(target, asked)));
  }
}

/** Returns the numbered resources `…/me/note?n=1` and so on. */
export function notes(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${app}/me/note?n=${i + 1}`);
}
