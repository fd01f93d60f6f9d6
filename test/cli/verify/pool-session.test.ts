import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { leadOf } from '../../../src/cli/verify/checks/answers.ts';
import { Allowance, type Bounds, PoolSession } from '../../../src/cli/verify/pool-session.ts';
import type { Upstream } from '../../../src/upstream/exchange.ts';
import { startFlippedPool } from '../../support/flipped-pool.ts';
import { runOnly } from '../../support/verify-checks.ts';

const nothing = (): void => undefined;

describe('what a run may send', () => {
  const user = ['Authorization', 'Bearer cwt=sim-ann'] as const;

  function session(bounds: Bounds, now = () => 0) {
    const sent: string[] = [];
    const upstream: Upstream = {
      send: ({ target }, handler) => {
        sent.push(target);
        handler.head(200, '', []);
        handler.data(Buffer.alloc(10));
        handler.end();
        return {
          server: undefined,
          started: true,
          isAborted: false,
          pause: () => false,
          resume: nothing,
          abort: nothing,
        };
      },
      connections: () => 1,
      stop: () => Promise.resolve(),
    };
    const allowance = new Allowance(bounds, now);
    return {
      sent,
      allowance,
      session: new PoolSession({ upstream, authority: 'pool', credential: user, allowance }),
    };
  }

  test('is bounded in requests, bytes and time', async () => {
    const few = session({ requests: 2, ms: 1000, bytes: 1000 });
    await few.session.ask({ target: '/1' });
    await few.session.ask({ target: '/2' });
    await expect(few.session.ask({ target: '/3' })).rejects.toThrow('2 requests were sent');
    const small = session({ requests: 9, ms: 1000, bytes: 15 });
    await small.session.ask({ target: '/1', body: Buffer.alloc(5) });
    await expect(small.session.ask({ target: '/2' })).rejects.toThrow('15 bytes were moved');
    let nowMs = 0;
    const short = session({ requests: 9, ms: 1000, bytes: 15 }, () => nowMs);
    nowMs = 1000;
    await expect(short.session.ask({ target: '/1' })).rejects.toThrow('1 s are over');
    expect([...few.sent, ...small.sent, ...short.sent]).toEqual(['/1', '/2', '/1']);
  });

  test('ends with a signal, except for what is put back', async () => {
    const { sent, allowance, session: stopped } = session({ requests: 1, ms: 1000, bytes: 1000 });
    allowance.stop('the program was interrupted');
    await expect(stopped.ask({ target: '/1' })).rejects.toThrow('interrupted');
    await stopped.putBack({ target: '/2' });
    expect(sent).toEqual(['/2']);
  });
});

test('the lead of the first part is the time until the last piece', () => {
  const part = 'Content-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\r\n';
  const piece = (text: string, atMs: number) => ({ bytes: Buffer.from(text), atMs });
  const lead = (...pieces: ReadonlyArray<ReturnType<typeof piece>>) =>
    leadOf({
      boundary: 'b',
      envelope: { status: 200, headers: [], body: Buffer.alloc(0), pieces },
    });
  expect(lead(piece(`--b\r\n${part}\r\n--b\r\n`, 10), piece(`${part}\r\n--b--`, 50))).toBe(40);
  expect(lead(piece(`--b\r\n${part}`, 10), piece(`\r\n--b\r\n${part}\r\n--b--`, 50))).toBe(0);
  expect(lead(piece(`--b\r\n${part}\r\n--b--`, 10))).toBeUndefined();
});

test('an answer that grows when it is decoded ends its check, not the run', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024)).toString('latin1');
  const { url } = await startFlippedPool({
    answer: (answer, { isBatch }) => {
      if (!isBatch) return;
      answer.headers.push('Content-Encoding', 'gzip');
      answer.body = bomb;
    },
  });
  const { results } = await runOnly(url, ['http.identity']);
  expect(results.map(({ verdict, seen }) => [verdict, seen])).toEqual([
    ['as believed', 'no coding'],
    ['failed', 'no complete answer: http_response_content_coding'],
  ]);
});
