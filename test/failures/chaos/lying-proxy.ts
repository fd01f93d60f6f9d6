/** A proxy that misbehaves on purpose now and then, which tests that the checker notices. */
import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
  type ServerResponse,
} from 'node:http';
import { onCleanup } from '../../support/cleanup.ts';

export type Lie =
  | 'none'
  | 'swaps answers'
  | 'mixes up bodies'
  | 'sends a write twice'
  | 'answers what it never sent'
  | 'denies a call that ran'
  | 'answers nothing'
  | 'closes without an answer'
  | 'answers twice'
  | "uses another's credential"
  | 'makes up an error';

interface Whole {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

const everyNth = 25;
const notExecuted: Whole = {
  status: 503,
  headers: { 'Content-Type': 'application/problem+json' },
  body: Buffer.from('{"executed":"no"}'),
};

/**
 * Starts a lying proxy in front of a pool of this machine.
 *
 * @returns its port
 */
export async function startLyingProxy(poolPort: number, lie: Lie): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  let calls = 0;
  let held: { readonly response: ServerResponse; readonly whole: Whole } | undefined;

  const forward = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const sentBody = await read(incoming);
    const { method = '', url = '', headers } = incoming;
    const send = (changes: OutgoingHttpHeaders = {}) =>
      ask(
        { port: poolPort, agent, method, path: url, headers: { ...headers, ...changes } },
        sentBody,
      );
    // A POST suits all lies but one. Only a GET has a body to mix up.
    const isFit = method === (lie === 'mixes up bodies' ? 'GET' : 'POST');
    const isTurn = isFit && (calls += 1) % everyNth === 0;
    switch (isTurn ? lie : 'none') {
      case 'none': {
        const whole = await send();
        if (held === undefined || headers['x-nonce'] === undefined) {
          answer(response, whole);
          return;
        }
        answer(held.response, whole);
        answer(response, held.whole);
        held = undefined;
        return;
      }
      case 'swaps answers':
        held = { response, whole: await send() };
        return;
      case 'mixes up bodies': {
        const { status, headers: own, body: right } = await send();
        const body = Buffer.from(right.toString().replaceAll('@pool', 'x@pool'));
        answer(response, {
          status,
          headers: { ...own, 'content-length': body.length },
          body,
        });
        return;
      }
      case 'sends a write twice':
        await send();
        answer(response, await send());
        return;
      case 'answers what it never sent': {
        answer(response, {
          status: url.includes('/messages') ? 201 : 204,
          headers: { 'X-Nonce': headers['x-nonce'] },
          body: Buffer.alloc(0),
        });
        return;
      }
      case 'denies a call that ran':
        await send();
        answer(response, notExecuted);
        return;
      case 'answers nothing':
        return;
      case 'closes without an answer':
        response.destroy();
        return;
      case 'answers twice':
        answer(response, await send());
        response.socket?.write('HTTP/1.1 204 No Content\r\n\r\n');
        return;
      case "uses another's credential": {
        answer(response, await send({ authorization: 'Bearer cwt=sim-mallory' }));
        return;
      }
      case 'makes up an error': {
        answer(response, { status: 418, headers: {}, body: Buffer.alloc(0) });
        return;
      }
    }
  };
  const server = createServer((incoming, response) => void forward(incoming, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function answer(response: ServerResponse, { status, headers, body }: Whole): void {
  response.writeHead(status, headers).end(body);
}

async function read(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function ask(options: RequestOptions, body: Buffer): Promise<Whole> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, host: '127.0.0.1' }, (incoming) => {
      const { statusCode: status = 0, headers } = incoming;
      read(incoming).then((whole) => resolve({ status, headers, body: whole }), reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
