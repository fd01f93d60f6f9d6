import { EventEmitter, once } from 'node:events';
import { expect, test } from '@jest/globals';
import { admissionCases, piecesOf, type AdmissionCase } from '../support/admission-cases.ts';
import { startPool } from '../support/pool.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool, type ScriptedPool } from '../support/scripted-pool.ts';
import { app } from '../support/ucwa-client.ts';

const host = 'Host: pool.example\r\n';

test('there are at least sixty cases, and each has its own name', () => {
  const names = [...admissionCases.values()].flat().map(({ name }) => name);
  expect(names.length).toBeGreaterThanOrEqual(60);
  expect(new Set(names).size).toBe(names.length);
});

test.each([...admissionCases])(
  '%s: every case of the file, sent over a socket',
  async (_file, cases) => {
    const pool = await startScriptedPool((_request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const proxy = await startProxy(pool.url);
    const outcomes: Outcome[] = [];
    for (const given of cases) outcomes.push(await run(given, pool, proxy));
    expect(outcomes).toEqual(cases.map(expected));
  },
);

/** The compared outcome of a case. The names are those of the file. */
type Outcome = Pick<AdmissionCase, 'name' | 'answers' | 'pool'> & {
  readonly refused: readonly string[];
  /**
   * `missing`: texts of `with` that did not reach the pool. `leaked`: texts of `without` that did.
   */
  readonly missing: readonly string[];
  readonly leaked: readonly string[];
};

function expected({ name, answers, pool, refused }: AdmissionCase): Outcome {
  return {
    name,
    answers,
    pool,
    refused: refused === undefined ? [] : [refused],
    missing: [],
    leaked: [],
  };
}

async function run(given: AdmissionCase, pool: ScriptedPool, proxy: TestProxy): Promise<Outcome> {
  const requestsBefore = pool.requests.length;
  const refusedBefore = await refusals(proxy);
  const client = new RawClient(proxy.port);
  for (const piece of piecesOf(given)) client.send(piece);
  const answers: string[] = [];
  if (given.closed) {
    answers.push(...((await client.readAll()).match(/^HTTP\/1\.1 [^]*?\r\n\r\n/gm) ?? []));
  } else {
    while (answers.length < given.answers.length) {
      answers.push((await client.readAnswer()).head);
    }
    client.send(`GET /still-here HTTP/1.1\r\n${host}\r\n`);
    expect((await client.readAnswer()).status).toBe(200);
    client.leave();
  }
  if (given.refused !== undefined && answers.length > 0) {
    expect(answers.at(-1)).toMatch(/^connection: close\r$/im);
    expect(answers.at(-1)).toMatch(/^content-type: application\/problem\+json\r$/im);
  }
  const reached = pool.requests.slice(requestsBefore, given.closed ? undefined : -1);
  const bytes = reached.join('').toLowerCase();
  const refusedAfter = await refusals(proxy);
  return {
    name: given.name,
    answers: answers.map((answer) => Number(answer.slice(9, 12))),
    pool: reached.map((request) => request.slice(0, request.indexOf('\r\n'))),
    refused: [...refusedAfter].flatMap(([reason, times]) =>
      Array.from({ length: times - (refusedBefore.get(reason) ?? 0) }, () => reason),
    ),
    missing: (given.with ?? []).filter((text) => !bytes.includes(text.toLowerCase())),
    leaked: (given.without ?? []).filter((text) => bytes.includes(text.toLowerCase())),
  };
}
async function refusals(proxy: TestProxy): Promise<Map<string, number>> {
  const counted = new Map<string, number>();
  for (const [series, value] of await proxy.metrics()) {
    const reason = /^ucwa_proxy_refused_total\{reason="(\w+)"\}/.exec(series)?.[1];
    if (reason !== undefined) counted.set(reason, value);
  }
  return counted;
}

test('pipelined calls are answered in their order', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
  pool.faults.add({ on: { target: `${app}/me` }, fault: { kind: 'delay', ms: 60 } });
  const client = new RawClient(proxy.port);
  const get = (path: string): string =>
    `GET ${app}/${path} HTTP/1.1\r\n${host}Authorization: Bearer cwt=sim-ann\r\n\r\n`;
  client.send(get('me') + get('me/note') + get('policies'));
  const rels: unknown[] = [];
  for (let i = 0; i < 3; i += 1) {
    const { body } = await client.readAnswer();
    rels.push((JSON.parse(body.toString()) as { rel: string }).rel);
  }
  expect(rels).toEqual(['me', 'note', 'policies']);
});

test('the proxy answers Expect: 100-continue itself, and the call goes on', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
  const client = new RawClient(proxy.port);
  client.send(
    `POST ${app}/me/note HTTP/1.1\r\n${host}Authorization: Bearer cwt=sim-ann\r\n` +
      'Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n',
  );
  expect((await client.readAnswer()).status).toBe(100);
  client.send('{"message":"hi!"}');
  expect((await client.readAnswer()).status).toBe(204);
  expect(pool.ledger.requests()[0]?.rawHeaders.join()).not.toMatch(/expect/i);
});

test('Expect: 100-continue after another call is answered in turn, and no other answer contains bytes of the 100', async () => {
  const asked = new EventEmitter();
  const pool = await startScriptedPool((request, socket) => {
    const [, target = ''] = request.split(' ');
    const answer = (): void =>
      void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`);
    if (target !== '/slow') answer();
    asked.emit(target, answer);
  });
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
  const get = (target: string): string => `GET ${target} HTTP/1.1\r\n${host}\r\n`;
  const put = (target: string, body: string): string =>
    `PUT ${target} HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n${body}`;
  const asks = async (bytes: string, target: string) => {
    const client = new RawClient(proxy.port);
    const isAsked = once(asked, target);
    client.send(bytes);
    const [answer] = (await isAsked) as [() => void];
    return { client, answer };
  };
  const { client: waits, answer: answerFirst } = await asks(
    get('/slow') + put('/put', ''),
    '/slow',
  );
  answerFirst();
  expect((await waits.readAnswer()).body.toString()).toBe('/slow');
  expect((await waits.readAnswer()).status).toBe(100);
  waits.send(`{}${get('/next')}`);
  expect((await waits.readAnswer()).body.toString()).toBe('/put');
  expect((await waits.readAnswer()).body.toString()).toBe('/next');

  // A client that sends its body without waiting for the 100 gets its answer, but no 100: RFC 9110
  // section 10.1.1.
  const slow = once(asked, '/slow');
  const { client: hurries } = await asks(get('/slow') + put('/put', '{}'), '/put');
  const [answerSlow] = (await slow) as [() => void];
  // When this call is back, the earlier one has arrived as well.
  const { client: other } = await asks(get('/other'), '/other');
  await other.readAnswer();
  answerSlow();
  expect(await hurries.readAll()).toMatch(
    /^[^]*\r\n\r\n\/slowHTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n\/put$/,
  );
});

test('absolute targets with the requested host are served', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
  const client = new RawClient(proxy.port);
  client.send(
    `GET http://pool.example${app}/me HTTP/1.1\r\n${host}Authorization: Bearer cwt=sim-ann\r\n\r\n`,
  );
  expect((await client.readAnswer()).status).toBe(200);
  expect(pool.ledger.requests()[0]?.target).toBe(`${app}/me`);
});

test('connections with slow heads are closed in time', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: '200' });
  const client = new RawClient(proxy.port);
  client.send(`GET / HTTP/1.1\r\n${host}A: `);
  expect(await client.readAll()).toMatch(/^HTTP\/1\.1 408/);
  expect((await proxy.metrics()).get('ucwa_proxy_refused_total{reason="slow_request"}')).toBe(1);
});
