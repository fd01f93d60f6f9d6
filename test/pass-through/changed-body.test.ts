/** Answers with a body that the listener changes. The pass-through buffers only these bodies, up to a bound. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { BodyRewrite } from '../../src/pass-through/pass-through-call.ts';
import { type Front, RawClient, Rig, until } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

const shout: BodyRewrite = {
  maxBytes: 8,
  tooLarge: () => undefined,
  rewrite(body) {
    if (body.toString() === 'fail') throw new Error('a bug');
    const changed = Buffer.from(body.toString().toUpperCase());
    return { headers: ['Date', 'x', 'Content-Length', String(changed.length)], body: changed };
  },
};

async function start(onConnection: Parameters<Rig['rawPool']>[0]) {
  const pool = await rig.rawPool(onConnection);
  const front: Front = await rig.front(pool.port, {}, (observer) => ({
    ...observer,
    bodyRewrite: () => shout,
  }));
  const client = new RawClient(front.port).send(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  );
  return { pool, front, client };
}

const head = 'HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: ';

test('a client gets the changed body with its length, and the connection to the pool is kept', async () => {
  const { pool, front, client } = await start((socket) =>
    socket.on('data', () => socket.write(`${head}4\r\n\r\nabcd`)),
  );
  expect(await client.all()).toBe(
    'HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nABCD',
  );
  expect(await front.outcomes(1)).toEqual([{ kind: 'answered', status: 200 }]);
  expect(pool.sockets[0]?.destroyed).toBe(false);
});

test('a client gets nothing until the body is complete, and then the failure if it breaks off', async () => {
  const { pool, front, client } = await start((socket) =>
    socket.on('data', () => socket.write(`${head}4\r\n\r\nab`)),
  );
  await until(() => front.told[0]?.responded.length === 1);
  pool.sockets[0]?.destroy();
  expect(await client.all()).toMatch(/^HTTP\/1\.1 504 .*http_response_incomplete/s);
  expect(await front.outcomes(1)).toMatchObject([{ kind: 'failed', responded: false }]);
});

test('a body over the bound streams unchanged, before its end has come', async () => {
  const { pool, client } = await start((socket) =>
    socket.on('data', () => socket.write(`${head}12\r\n\r\nabcdefghi`)),
  );
  expect(await client.has('abcdefghi')).not.toContain('jkl');
  pool.sockets[0]?.write('jkl');
  expect(await client.all()).toMatch(/Content-Length: 12\r\n.*\r\n\r\nabcdefghijkl$/s);
});

test('a client that leaves while the body is buffered ends the request to the pool', async () => {
  const { pool, front, client } = await start((socket) =>
    socket.on('data', () => socket.write(`${head}4\r\n\r\nab`)),
  );
  await until(() => front.told[0]?.responded.length === 1);
  client.leave();
  expect(await front.outcomes(1)).toEqual([{ kind: 'client-left', responded: false }]);
  await until(() => pool.sockets[0]?.destroyed === true);
});

test('an exception ends only its own call, as a failure', async () => {
  const { front, client } = await start((socket) =>
    socket.on('data', () => socket.write(`${head}4\r\n\r\nfail`)),
  );
  expect(await client.all()).toMatch(/^HTTP\/1\.1 504 .*proxy_internal_error/s);
  expect(await front.outcomes(1)).toMatchObject([{ kind: 'failed', error: new Error('a bug') }]);
});
