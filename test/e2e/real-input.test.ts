import { describe, expect, test } from '@jest/globals';
import {
  exchangeNames,
  readBatchRequest,
  readExchange,
  splitMessage,
} from '../support/exchanges.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';

/** Fields of the connection to the client, and the date that Node adds. */
const ofTheConnection = /^(?:connection|keep-alive): .*\r\n/gim;
const date = /^date: .*\r\n/gim;

describe('single calls, when the pool sends a batch answer recorded from a real server,', () => {
  test.each(exchangeNames)('get the recorded answers: %s', async (name) => {
    const { calls, batchResponse, answers } = readExchange(name);
    const pool = await startScriptedPool((_request, socket) => socket.write(batchResponse));
    const proxy = await startProxy(pool.url, {
      UCWA_PROXY_BATCHING_MODE: 'fixed',
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
      UCWA_PROXY_BATCHING_MAX_PARTS: String(calls.length),
    });

    // Pipelined, so that the calls arrive in this order.
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

describe('the POST that a real client wrote into its batch', () => {
  const { head, body } = splitMessage(readBatchRequest('2013-note'));
  const boundary = /boundary=(\S+)/.exec(head)?.[1] ?? '';
  const recorded = body.toString('latin1').split(`--${boundary}`)[3] ?? '';
  const [, inner = ''] = /\r\n\r\n(POST [^]*)\r\n\r\n$/.exec(recorded) ?? [];
  const answered = readExchange('2013-note').batchResponse.toString('latin1');
  const [, answerBoundary = ''] = /boundary="(.+)"/.exec(answered) ?? [];
  const [answerHead = '', , , noContent = ''] = answered.split(`--${answerBoundary}`);

  /** The call as a client sends it unbatched, with the credential of the envelope. */
  function alone(resource: string): Buffer {
    const call = inner.replace('/me/note ', `/me/${resource} `);
    return Buffer.from(
      call.replace('\r\n', '\r\nAuthorization: Bearer cwt=user_oauth_token\r\n'),
      'latin1',
    );
  }

  test('gets the recorded 204, in a batch with another POST and the same bytes', async () => {
    const envelope = answerHead.replace(/Content-Length: .*\r\n/, '');
    const parts = `--${answerBoundary}${noContent}`.repeat(2) + `--${answerBoundary}--\r\n`;
    const whole =
      envelope.replace('\r\n\r\n', `\r\nContent-Length: ${parts.length}\r\n\r\n`) + parts;
    const pool = await startScriptedPool((_request, socket) => socket.write(whole, 'latin1'));
    const proxy = await startProxy(pool.url, {
      UCWA_PROXY_BATCHING_MODE: 'fixed',
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
      UCWA_PROXY_BATCHING_MAX_PARTS: '2',
    });

    const client = new RawClient(proxy.port);
    client.send(Buffer.concat([alone('note'), alone('location')]));

    for (let i = 0; i < 2; i += 1) {
      const answer = await client.readAnswer();
      expect(answer.head).toMatch(/^HTTP\/1\.1 204 No Content\r\nCache-Control: no-cache\r\n/);
      expect(answer.body).toHaveLength(0);
    }
    expect(pool.requests).toHaveLength(1);
    const host = new URL(pool.url).host;
    const sent = inner.replace('Host: lyncweb.domain.com', `Host: ${host}`);
    expect(pool.requests[0]).toContain(`\r\n\r\n${sent}\r\n--`);
    expect(pool.requests[0]).toContain(`\r\n\r\n${sent.replace('me/note', 'me/location')}\r\n--`);
  });
});
