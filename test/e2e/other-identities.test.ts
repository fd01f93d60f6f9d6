/** Identity in cookies, certificates, TLS sessions and interim answers: no user gets another user's data. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerOptions } from 'node:https';
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { entrust } from '../support/canaries.ts';
import { onCleanup } from '../support/cleanup.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient, type RawAnswer } from '../support/raw-client.ts';
import { startScriptedPool, type Script } from '../support/scripted-pool.ts';
import { me, webTicket } from '../support/signing-client.ts';

const note = `${me}/note`;
const bind = { UCWA_PROXY_UPSTREAM_CONNECTION_AUTH: 'bind' };
/** Each request uses the same connection to the pool, as long as the proxy keeps it. */
const oneConnection = {
  UCWA_PROXY_BATCHING_MODE: 'off',
  UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '1',
};
/** Two calls of one user are sent as a batch at once, a single call is sent unbatched. */
const pairs = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '300',
  UCWA_PROXY_BATCHING_MAX_PARTS: '2',
};
const ways = [
  ['passed through', webTicket],
  ['alone', me],
] as const;

const bearer = (user: string): string => `Authorization: Bearer cwt=${user}`;
const userOf = (text: string): string => /Bearer cwt=(\w+)/i.exec(text)?.[1] ?? 'nobody';
const cookieOf = (text: string): string => /^Cookie: (.*)\r$/im.exec(text)?.[1] ?? 'none';
const cookiesOf = ({ head }: RawAnswer): string[] =>
  [...head.matchAll(/^Set-Cookie: (.*?)\r?$/gim)].map(([, value]) => value ?? '');

const headOf = (target: string, fields: readonly string[], method = 'GET'): string =>
  [`${method} ${target} HTTP/1.1`, 'Host: pool.example', ...fields, '', ''].join('\r\n');

function ask(client: RawClient, target: string, fields: readonly string[]): Promise<RawAnswer> {
  client.send(headOf(target, fields));
  return client.readAnswer();
}

async function start(script: Script, env: Readonly<Record<string, string>>) {
  const pool = await startScriptedPool(script);
  const { port } = await startProxy(pool.url, env);
  const client = (): RawClient => new RawClient(port);
  return { pool, client };
}

function answer(body: string, fields: readonly string[] = [], version = '1.1'): string {
  const lines = [`HTTP/${version} 200 OK`, ...fields, `Content-Length: ${body.length}`];
  return [...lines, '', body].join('\r\n');
}

/** The answer to a batch or to a single request. `part` returns the answer for one target. */
function answerTo(request: string, fields: string[], part: (target: string) => string): string {
  const targets = [...request.matchAll(/^GET (\S+) HTTP/gm)].map((match) => match[1] ?? '');
  if (!request.startsWith('POST')) return part(targets[0] ?? '');
  const head = '--b\r\nContent-Type: application/http; msgtype=response\r\n\r\n';
  const body = targets.map((target) => `${head}${part(target)}\r\n`).join('');
  return answer(`${body}--b--\r\n`, ['Content-Type: multipart/batching; boundary=b', ...fields]);
}

test('Set-Cookie in an envelope goes only to the callers of that batch, who all have the same user and cookie', async () => {
  const { pool, client } = await start((request, socket) => {
    const whose = `${userOf(request)} ${cookieOf(request)}`;
    const part = (target: string): string =>
      answer(whose, target === note ? [`Set-Cookie: own=${whose}`] : []);
    socket.write(answerTo(request, [`Set-Cookie: sent=${whose}`, 'Set-Cookie: b=2'], part));
  }, pairs);
  const senders = ['ann', 'ben'].flatMap((user) =>
    ['none', `session=${user}-first`, 'session=in-common'].map((cookie) => ({ user, cookie })),
  );
  const answered = senders.map(async ({ user, cookie }) => {
    const fields = [bearer(user), ...(cookie === 'none' ? [] : [`Cookie: ${cookie}`])];
    const answers = await Promise.all([me, note].map((target) => ask(client(), target, fields)));
    const whose = `${user} ${cookie}`;
    expect(answers.map(({ body }) => body.toString())).toEqual([whose, whose]);
    // A field of the part replaces the same field of the envelope.
    expect(answers.map(cookiesOf)).toEqual([[`sent=${whose}`, 'b=2'], [`own=${whose}`]]);
  });
  await Promise.all(answered);
  expect(pool.requests.map((request) => request.slice(0, 4))).toEqual(Array(6).fill('POST'));
});

test('a GET shares an answer and its Set-Cookie only with an identical GET with the same cookies', async () => {
  let asked = 0;
  const { client } = await start((_request, socket) => {
    asked += 1;
    socket.write(answer('x', [`Set-Cookie: n=${asked}`]));
  }, pairs);
  const [ann, first] = [bearer('ann'), 'Cookie: session=first'];
  const alike = [ann, first];
  const all = [alike, alike, [ann, 'Cookie: session=second'], [ann], [bearer('ben'), first]];
  const answers = await Promise.all(all.map((fields) => ask(client(), me, fields)));
  const [leader, follower, ...others] = answers.map((one) => cookiesOf(one).join());
  expect(follower).toBe(leader);
  expect([leader, ...others].sort()).toEqual(['n=1', 'n=2', 'n=3', 'n=4']);
});

test('a cookie that the pool sets goes to its caller only, and the proxy sends no cookie of its own', async () => {
  const cookie = 'session=of-ann-alone';
  entrust(cookie);
  const { pool, client } = await start((request, socket) => {
    const fields = userOf(request) === 'ann' ? [`Set-Cookie: ${cookie}`] : [];
    socket.write(answerTo(request, fields, () => answer('x', fields)));
  }, pairs);
  /** Asks passed through, unbatched, and in a batch of two. */
  const threeWays = async (one: RawClient, user: string): Promise<string[][]> => {
    const own = (who: RawClient, target: string) => ask(who, target, [bearer(user)]);
    const lone = [await own(one, webTicket), await own(one, me)];
    const both = await Promise.all([own(one, me), own(client(), note)]);
    return [...lone, ...both].map(cookiesOf);
  };
  const ann = client();
  expect(await threeWays(ann, 'ann')).toEqual(Array(4).fill([cookie]));
  expect(await threeWays(client(), 'ben')).toEqual(Array(4).fill([]));
  // Also on Ann's connection, the pool gets no cookie that the request does not have.
  expect(await threeWays(ann, 'cat')).toEqual(Array(4).fill([]));
  await threeWays(ann, 'ann');
  const batches = pool.requests.filter((request) => request.startsWith('POST'));
  expect(batches.map(userOf)).toEqual(['ann', 'ben', 'cat', 'ann']);
  expect(pool.requests.filter((request) => /^Cookie:/im.test(request))).toEqual([]);
});

describe.each(ways)('for a call %s', (_, target) => {
  test.each([
    ['100', '100 Continue\r\nSet-Cookie: hint=1'],
    ['102', '102 Processing\r\nX-Hint: 1'],
    ['103 with a Link', '103 Early Hints\r\nLink: </hint>'],
    ['103 with a cookie', '103 Early Hints\r\nSet-Cookie: hint=1'],
  ])('no caller gets anything of a %s, before or after an answer', async (name, interim) => {
    const { client } = await start((request, socket) => {
      const user = userOf(request);
      const said = `HTTP/1.1 ${interim}\r\n\r\n`;
      socket.write((user === 'ann' ? said : '') + answer(user) + (user === 'ben' ? said : ''));
    }, oneConnection);
    const heads: string[] = [];
    const seen: string[] = [];
    for (const user of ['ann', 'ben', 'cat']) {
      const { status, head, body } = await ask(client(), target, [bearer(user)]);
      heads.push(head);
      seen.push(status === 200 ? body.toString() : `${status}`);
    }
    // undici refuses a 100 that the request did not ask for, so its caller gets 504.
    expect(seen).toEqual([target === me && name === '100' ? '504' : 'ann', 'ben', 'cat']);
    expect(heads.join()).not.toMatch(/hint/i);
  });

  test('the rest of the answer reaches no other caller when its client leaves', async () => {
    let first: Socket | undefined;
    const { client } = await start((request, socket) => {
      const half = 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf';
      first?.write('foe'.repeat(33));
      socket.write(first === undefined ? half : answer(userOf(request)));
      first ??= socket;
    }, oneConnection);
    const ann = client();
    ann.send(headOf(target, [bearer('ann')]));
    await ann.untilReceived(1);
    ann.leave();
    const { status, body } = await ask(client(), target, [bearer('ben')]);
    expect([status, body.toString()]).toEqual([200, 'ben']);
  });

  test.each([
    ['is the last on its connection', [], 3],
    ['shares its connection, where the pool keeps it', ['Connection: keep-alive'], 1],
  ])('an HTTP/1.0 answer %s, and goes to its own caller', async (_name, fields, connections) => {
    const sockets = new Set<Socket>();
    const { client } = await start((request, socket) => {
      sockets.add(socket);
      socket.write(answer(userOf(request), fields, '1.0'));
    }, oneConnection);
    for (const user of ['ann', 'ben', 'cat']) {
      expect((await ask(client(), target, [bearer(user)])).body.toString()).toBe(user);
    }
    expect(sockets.size).toBe(connections);
  });
});

const file = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
const read = (name: string) => ({
  cert: readFileSync(file(`${name}.pem`)),
  key: readFileSync(file(`${name}.key`)),
  ca: readFileSync(file('ca.pem')),
});
const trusting = { UCWA_PROXY_UPSTREAM_TLS_CA: file('ca.pem') };
const presenting = {
  ...trusting,
  UCWA_PROXY_UPSTREAM_TLS_CERT: file('client.pem'),
  UCWA_PROXY_UPSTREAM_TLS_KEY: file('client.key'),
};

/** A pool that asks for a certificate, records what it sees, and closes after each answer. */
async function startSecurePool(tls: ServerOptions = {}) {
  const heard: Array<{ asked: string; certificate: string; isResumed: boolean }> = [];
  const options = { ...read('server'), requestCert: true, rejectUnauthorized: false, ...tls };
  const server = createServer(options, (request, response) => {
    const socket = request.socket as TLSSocket;
    const { subject } = socket.getPeerCertificate() as Partial<PeerCertificate>;
    const { authorization = '', cookie = 'no cookie' } = request.headers;
    const asked = `${request.url?.split('/').pop()} ${userOf(authorization)} ${cookie}`;
    const certificate = String(subject?.CN ?? 'none');
    heard.push({ asked, certificate, isResumed: socket.isSessionReused() });
    request.resume();
    response.writeHead(request.method === 'POST' ? 404 : 200, { Connection: 'close' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => void server.close());
  onCleanup(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { port, url: `https://localhost:${port}`, heard };
}

test('the pool sees the certificate of upstream.tls.cert, for all users and in each kind of request', async () => {
  const pool = await startSecurePool();
  const { port } = await startProxy(pool.url, { ...presenting, ...pairs, ...bind });
  for (const user of ['ann', 'ben']) {
    const askAs = (target: string, field = bearer(user)): Promise<RawAnswer> =>
      ask(new RawClient(port), target, [field]);
    await Promise.all([askAs(webTicket), askAs(me)]);
    await Promise.all([askAs(me), askAs(note)]);
    await askAs('/bound', 'Authorization: NTLM T1');
  }
  const asked = pool.heard.map((one) => one.asked.split(' ').slice(0, 2).join(' '));
  expect(asked).toEqual(expect.arrayContaining(['batch ann', 'me ben', 'bound nobody']));
  const seen = new Set(pool.heard.map(({ certificate }) => certificate));
  expect([...seen]).toEqual(['ucwa-batch-proxy test client']);
});

/** Sends a request over TLS, with a certificate if asked. Returns the kinds of the server's handshake messages. */
async function askWithCertificate(port: number): Promise<number[]> {
  const raw = connectTcp(port, '127.0.0.1');
  const wire = new PassThrough();
  const chunks: Buffer[] = [];
  raw.on('data', (chunk: Buffer) => void chunks.push(chunk)).pipe(wire);
  const socket = connectTls({
    ...{ ...read('client'), servername: 'localhost', maxVersion: 'TLSv1.2' },
    socket: Duplex.from({ readable: wire, writable: raw }),
  });
  socket.write(headOf(webTicket, [bearer('ann')]));
  socket.on('error', () => undefined);
  onCleanup(() => void raw.destroy());
  await once(socket, 'data');
  const bytes = Buffer.concat(chunks);
  const kinds: number[] = [];
  // In TLS 1.2 the messages are readable until the cipher changes, each in a record of kind 22.
  for (let at = 0; bytes[at] === 22; at += 5 + bytes.readUInt16BE(at + 3)) {
    kinds.push(bytes.readUInt8(at + 5));
  }
  return kinds;
}

test('without upstream.tls.cert the pool sees no certificate, and clients are never asked for one', async () => {
  const pool = await startSecurePool();
  const { port } = await startProxy(pool.url, {
    ...trusting,
    UCWA_PROXY_LISTEN_TLS_CERT: file('server.pem'),
    UCWA_PROXY_LISTEN_TLS_KEY: file('server.key'),
  });
  const certificateRequest = 13;
  expect(await askWithCertificate(port)).not.toContain(certificateRequest);
  expect(await askWithCertificate(pool.port)).toContain(certificateRequest);
  const seen = pool.heard.map(({ certificate }) => certificate);
  expect(seen).toEqual(['none', 'ucwa-batch-proxy test client']);
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a %s session, which names no user, is resumed on shared connections, never on bound ones',
  async (version) => {
    const pool = await startSecurePool({ minVersion: version, maxVersion: version });
    const { port } = await startProxy(pool.url, { ...presenting, ...oneConnection, ...bind });
    const [ann, ben] = [new RawClient(port), new RawClient(port)];
    for (const target of ['/shared', me]) {
      await ask(ann, target, [bearer('ann'), 'Cookie: session=of-ann-alone']);
      await ask(ben, target, [bearer('ben')]);
    }
    for (const client of [ann, ann, ben, new RawClient(port)]) {
      await ask(client, '/bound', ['Authorization: NTLM T1']);
    }
    const heard = pool.heard.map(
      ({ asked, isResumed }) => `${asked}${isResumed ? ' resumed' : ''}`,
    );
    expect(heard).toEqual([
      ...['shared ann session=of-ann-alone', 'shared ben no cookie resumed'],
      ...['me ann session=of-ann-alone', 'me ben no cookie resumed'],
      ...Array<string>(4).fill('bound nobody no cookie'),
    ]);
  },
);
