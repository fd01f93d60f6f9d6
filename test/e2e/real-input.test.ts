import { describe, expect, test } from '@jest/globals';
import { exchangeNames, readExchange, splitMessage } from '../support/exchanges.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';

/** The fields that belong to the connection to the client, and what is added when nobody says it. */
const ofTheConnection = /^(?:connection|keep-alive): .*\r\n/gim;
const date = /^date: .*\r\n/gim;

describe('single calls, answered from a batch that a real server wrote', () => {
  test.each(exchangeNames)('come out as they are written down: %s', async (name) => {
    const { calls, batchResponse, answers } = readExchange(name);
    const pool = await startScriptedPool((_request, socket) => socket.write(batchResponse));
    const proxy = await startProxy(pool.url, {
      UCWA_PROXY_BATCHING_MODE: 'fixed',
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
      UCWA_PROXY_BATCHING_MAX_PARTS: String(calls.length),
    });

    // Pipelined, so that they arrive in this order.
    const client = new RawClient(proxy.port);
    client.send(Buffer.concat(calls));

    for (const expected of answers) {
      const { head, body } = await client.readAnswer();
      const wanted = splitMessage(expected);
      const saysDate = /^date:/im.test(wanted.head);
      const got = `${head}\r\n`.replace(ofTheConnection, '').replace(saysDate ? /(?!)/ : date, '');
      expect(got).toBe(`${wanted.head}\r\n`);
      expect(body.toString('latin1')).toBe(wanted.body.toString('latin1'));
    }
    expect(pool.requests).toHaveLength(1);
    const targets = calls.map((call) => / (\S+) HTTP/.exec(call.toString('latin1'))?.[1]);
    const inBatch = [...(pool.requests[0] ?? '').matchAll(/^GET (\S+) HTTP\/1\.1\r$/gm)];
    expect(inBatch.map((match) => match[1])).toEqual(targets);
  });
});
