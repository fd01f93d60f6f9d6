/** A client of a `SigningPool` with its own connection. */
import { RawClient, type RawAnswer } from './raw-client.ts';
import type { SignedInAs } from './signing-pool.ts';

export const webTicket = '/WebTicket/WebTicketService.svc';
export const me = '/ucwa/oauth/v1/applications/1045/me';

export interface Asked {
  readonly status: number;
  readonly head: string;
  readonly said: SignedInAs | undefined;
}

export class SigningClient {
  readonly raw: RawClient;
  /** The `Host` of the next requests. */
  host = 'pool.example';

  constructor(port: number) {
    this.raw = new RawClient(port);
  }

  send(target: string, fields: readonly string[] = [], body?: string): void {
    const lines = body === undefined ? fields : [...fields, `Content-Length: ${body.length}`];
    const method = body === undefined ? 'GET' : 'POST';
    const head = [`${method} ${target} HTTP/1.1`, `Host: ${this.host}`, ...lines].join('\r\n');
    this.raw.send(`${head}\r\n\r\n${body ?? ''}`);
  }

  async read(): Promise<Asked> {
    const { status, head, body } = await this.raw.readAnswer();
    return { status, head, said: saidBy({ status, head, body }) };
  }

  ask(target: string, fields: readonly string[] = [], body?: string): Promise<Asked> {
    this.send(target, fields, body);
    return this.read();
  }

  /** Sends both messages of a handshake. Returns the answer to the last message. */
  async signIn(user: string, scheme = 'NTLM', target = webTicket): Promise<Asked> {
    const challenged = await this.ask(target, [`Authorization: ${scheme} T1`]);
    if (challenged.status !== 401) return challenged;
    return this.ask(target, [`Authorization: ${scheme} T3-${user}`]);
  }
}

function saidBy({ status, body }: RawAnswer): SignedInAs | undefined {
  return status === 200 ? (JSON.parse(body.toString()) as SignedInAs) : undefined;
}
