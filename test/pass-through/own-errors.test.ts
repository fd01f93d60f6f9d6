import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ask, Rig } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

const get = 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n';
const getAndClose = 'GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

describe('an exception in the proxy', () => {
  test('by Node, for an illegal header field, becomes a fault', async () => {
    const pool = await rig.cannedPool('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    const front = await rig.front(pool.port);
    front.server.prependListener('request', (request) => request.rawHeaders.push('X-Bad', 'a\nb'));
    const answer = await ask(front.port, getAndClose);
    expect(answer).toMatch(/^HTTP\/1\.1 503 [\s\S]*proxy_internal_error/);
    expect(await front.outcomes(1)).toMatchObject([
      { kind: 'failed', responded: false, error: { code: 'ERR_INVALID_CHAR' } },
    ]);
    expect(pool.requests).toEqual([]);
  });

  test('by an observer of an answer head becomes a fault', async () => {
    const pool = await rig.cannedPool('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    const thrown = new Error('thrown by an observer');
    const front = await rig.front(pool.port, {}, (observer) => ({
      ...observer,
      responded() {
        throw thrown;
      },
    }));
    const answer = await ask(front.port, getAndClose);
    expect(answer).toMatch(/^HTTP\/1\.1 504 [\s\S]*proxy_internal_error/);
    expect(await front.outcomes(1)).toMatchObject([{ kind: 'failed', error: thrown }]);
  });

  test('by an observer that should answer closes the connection', async () => {
    const pool = await rig.rawPool((socket) => socket.once('data', () => socket.destroy()));
    const thrown = new Error('thrown by an observer');
    const front = await rig.front(pool.port, {}, (observer) => ({
      ...observer,
      fail() {
        throw thrown;
      },
    }));
    expect(await ask(front.port, get)).toBe('');
    expect(await front.outcomes(1)).toMatchObject([{ kind: 'failed', error: thrown }]);
  });
});
