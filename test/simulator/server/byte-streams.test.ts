import { createHash } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { json, requestText, send } from '../http-client.ts';

let pool: Simulator;

beforeEach(async () => {
  pool = await startSimulator();
});
afterEach(() => pool.stop());

const numbers = (count: number) => Buffer.from(Array.from({ length: count }, (_, i) => i % 251));

describe('byte streams', () => {
  test('bytes sends the requested number of bytes with known values', async () => {
    const { headers, body } = await send(`${pool.url}/simulator/bytes?n=200000`);
    expect(headers['content-length']).toBe('200000');
    expect(body.equals(numbers(200_000))).toBe(true);
    expect((await send(`${pool.url}/simulator/bytes?n=0`)).body).toHaveLength(0);
  });

  test('bytes waits for a slow reader', async () => {
    const socket = net.connect(pool.port, '127.0.0.1');
    socket.write(requestText('GET', '/simulator/bytes?n=1000000000', {}));
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    for (let turns = 0; turns < 1000; turns++) await new Promise(setImmediate);
    expect(pool.ledger.entries()).toEqual([]);
    socket.destroy();
  });

  test('sink answers with the number of bytes and their hash', async () => {
    const body = numbers(3_000_000);
    const answer = await send(`${pool.url}/simulator/sink?nonce=s`, { method: 'POST', body });
    const sha256 = createHash('sha256').update(body).digest('hex');
    expect(json(answer)).toEqual({ bytes: 3_000_000, sha256 });
    expect(pool.ledger.executions('s')).toHaveLength(1);
    expect(pool.ledger.requests()[0]).toMatchObject({ bodyBytes: 3_000_000, complete: true });
  });

  test('echo streams the body back while it arrives', async () => {
    const request = http.request(`${pool.url}/simulator/echo`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/x' },
    });
    request.write('first');
    const response = await new Promise<http.IncomingMessage>((resolve) =>
      request.on('response', resolve),
    );
    expect(response.headers).toMatchObject({
      'content-type': 'text/x',
      'transfer-encoding': 'chunked',
    });
    const chunks = response.iterator() as AsyncIterator<Buffer>;
    expect(String((await chunks.next()).value)).toBe('first');
    request.end('second');
    expect(String((await chunks.next()).value)).toBe('second');
    expect((await chunks.next()).done).toBe(true);
  });

  test('with other names get 404', async () => {
    expect((await send(`${pool.url}/simulator/nothing`)).status).toBe(404);
  });
});
