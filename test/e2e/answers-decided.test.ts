/**
 * Odd answers of the pool have the same effect in each kind of request
 * (docs/decisions/014-odd-answers.md). The calls are POSTs, because the proxy never retries them.
 */
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import {
  bodies,
  coded,
  fine,
  kinds,
  odd,
  part,
  targets,
  types,
  ways,
  withLength,
  type Way,
} from './odd-answers.ts';

/** Summarizes a received answer in one line. */
function read(received: string): string {
  const own = /error=(\w+)/.exec(received)?.[1];
  const [, code = '', head = '', body = ''] =
    /^HTTP\/1\.1 (\d+)([^]*?)\r\n\r\n([^]*)$/.exec(received) ?? [];
  if (own !== undefined) return `${code} ${own}`;
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  if (length !== undefined) {
    return `${body.length === Number(length) ? '' : 'cut: '}${code} ${body}`;
  }
  const codings = /^transfer-encoding: (.*)/im.exec(head)?.[1] ?? '';
  const chunk = /^[0-9a-f]+\r\n([^]*)\r\n0\r\n\r\n$/.exec(body)?.[1];
  const said = codings === 'chunked' ? '' : `(${codings}) `;
  return `${chunk === undefined ? 'cut: ' : ''}${code} ${said}${chunk ?? body}`;
}

function settings(way: Way, isSilent = false): Record<string, string> {
  const timeout = isSilent ? '400' : '10000';
  return {
    UCWA_PROXY_BATCHING_MODE: way === 'in a batch' ? 'fixed' : 'off',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '400',
    UCWA_PROXY_BATCHING_MAX_PARTS: '2',
    UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '1',
    UCWA_PROXY_UPSTREAM_TIMEOUT_MS: timeout,
    UCWA_PROXY_UPSTREAM_PASS_THROUGH_IDLE_MS: isSilent ? '1000' : timeout,
  };
}

/** Sends all calls of this kind at once. */
async function ask(proxy: TestProxy, way: Way, user = 'ann', version = '1.1'): Promise<string[]> {
  return Promise.all(
    targets[way].map((target) => {
      const client = new RawClient(proxy.port);
      client.send(
        `POST ${target} HTTP/${version}\r\nHost: pool.example\r\nConnection: close\r\n` +
          `Authorization: Bearer cwt=sim-${user}\r\n` +
          'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
      );
      return client.readAll();
    }),
  );
}

const formOf = (request: string): 'batch' | 'single' =>
  /^POST \S*\/batch /.test(request) ? 'batch' : 'single';

function good(request: string): string {
  const form = formOf(request);
  return coded('chunked')(bodies[form], types[form]);
}

const of = <T>(value: T | readonly [T, T, T], way: Way): T =>
  Array.isArray(value) ? (value as readonly T[])[ways.indexOf(way)]! : (value as T);

describe.each(ways)('an odd answer to a call %s', (way) => {
  test.each(kinds.map((kind) => [kind.what, kind] as const))('%s', async (_what, kind) => {
    const used: Socket[] = [];
    const pool = await startScriptedPool((request, socket) => {
      used.push(socket);
      const form = formOf(request);
      const bytes = used.length === 1 ? kind.bytes(bodies[form], types[form]) : good(request);
      socket.write(bytes);
      if (used.length === 1 && kind.ends === true) socket.end();
    });
    const proxy = await startProxy(pool.url, settings(way, kind.isSilent));
    const expected = of<string>(kind.seen, way);
    expect((await ask(proxy, way)).map(read)).toEqual(targets[way].map(() => expected));
    const again = of<boolean>(kind.again ?? false, way);
    if (!again) await pool.untilClosed(1);
    expect((await ask(proxy, way)).map(read)).toEqual(targets[way].map(() => fine));
    expect(used).toHaveLength(2);
    expect(used[1] === used[0]).toBe(again);
  });
});

describe.each(['passed through', 'alone'] as const)('to an HTTP/1.0 client, a call %s:', (way) => {
  test.each([
    [
      'a transfer coding other than chunked gives an error',
      'gzip, chunked',
      /error=http_protocol_error/,
    ],
    ['chunks become one body', 'chunked', /\r\n\r\nhello$/],
  ])('%s', async (_what, codings, expected) => {
    const pool = await startScriptedPool((_request, socket) => {
      socket.write(coded(codings)('hello', 'text/plain'));
    });
    const proxy = await startProxy(pool.url, settings(way));
    const [received = ''] = await ask(proxy, way, 'ann', '1.0');
    expect(received).not.toMatch(/transfer-encoding/i);
    expect(received).toMatch(expected);
  });
});

test('transfer codings do not give a 304 a body', async () => {
  const pool = await startScriptedPool((_request, socket) => {
    socket.write('HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: gzip, chunked\r\n\r\n');
  });
  for (const way of ['passed through', 'alone'] as const) {
    const proxy = await startProxy(pool.url, settings(way));
    expect((await ask(proxy, way))[0]).toMatch(/^HTTP\/1\.1 304 (?![^]*Transfer-Encoding)/);
  }
});

test('a refusal with a transfer coding other than chunked never reaches the caller', async () => {
  const pool = await startScriptedPool((_request, socket) => {
    socket.write(coded('gzip, chunked')('xyz', 'text/plain').replace('200 OK', '429 Busy'));
  });
  const proxy = await startProxy(pool.url, settings('alone', true));
  expect((await ask(proxy, 'alone'))[0]).not.toContain('xyz');
});

describe.each(ways)('the late rest of an answer to a call %s reaches no later caller:', (way) => {
  test.each([
    ['all of it', /^/],
    ['the rest after half a head', /Content-Le/],
    ['the rest after half a body', /la(?=te!)/],
  ])('%s', async (_what, before) => {
    let rest = (): void => undefined;
    const pool = await startScriptedPool((request, socket) => {
      if (!request.includes('sim-ann')) {
        socket.write(good(request));
        return;
      }
      const form = formOf(request);
      const late = withLength('200 OK', bodies[form].replaceAll('hello', 'late!'));
      const whole = late.replace('\r\n', `\r\nContent-Type: ${types[form]}\r\n`);
      const [begun = ''] = new RegExp(`^[^]*?${before.source}`).exec(whole) ?? [];
      socket.write(begun);
      rest = () => socket.write(whole.slice(begun.length) + withLength('200 OK', 'late!'));
    });
    const proxy = await startProxy(pool.url, settings(way, true));
    for (const answer of await ask(proxy, way)) expect(answer).not.toContain('late!');
    rest();
    await pool.untilClosed(1);
    expect((await ask(proxy, way, 'ben')).map(read)).toEqual(targets[way].map(() => fine));
  });
});

describe('a part with a bare line end in its head', () => {
  const bent = (method: string): string =>
    `${part('one')}${part('two').replace('200 OK\r\n', `200 OK\r\nX: y\n`)}--B--\r\n`.replaceAll(
      'one',
      method,
    );

  test.each([
    ['POST', 1, odd],
    ['GET', 2, '200 again'],
  ])('is malformed, for a %s', async (method, requests, expected) => {
    const pool = await startScriptedPool((request, socket) => {
      socket.write(
        formOf(request) === 'batch'
          ? coded('chunked')(bent(method), types.batch)
          : coded('chunked')('again', 'text/plain'),
      );
    });
    const proxy = await startProxy(pool.url, settings('in a batch'));
    const answers = await Promise.all(
      targets['in a batch'].map((target) => {
        const client = new RawClient(proxy.port);
        client.send(
          `${method} ${target} HTTP/1.1\r\nHost: pool.example\r\nConnection: close\r\n` +
            'Authorization: Bearer cwt=sim-ann\r\n' +
            (method === 'POST' ? 'Content-Length: 0\r\n\r\n' : '\r\n'),
        );
        return client.readAll();
      }),
    );
    expect(answers.map(read).sort()).toEqual([expected, `200 ${method}`].sort());
    expect(pool.requests).toHaveLength(requests);
    const errors = 'ucwa_proxy_protocol_errors_total{kind="malformed_part"}';
    expect((await proxy.metrics()).get(errors)).toBe(1);
  });
});
