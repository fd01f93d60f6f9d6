import { describe, expect, test } from '@jest/globals';
import { bearer, json, send } from './http-client.ts';
import { base, call, pool, post, startOther } from './each-pool.ts';

describe('conversations', () => {
  test('start with an invitation, accept messages, and end', async () => {
    const invited = await post(
      'communication/messagingInvitations',
      '{"to":"sip:b@pool.example","subject":"s"}',
    );
    expect([invited.status, invited.headers['content-length']]).toEqual([201, '0']);
    const invitation = json(
      await send(pool.url + (invited.headers.location ?? ''), { headers: bearer('ann') }),
    );
    const { conversation } = invitation['_links'] as { conversation: { href: string } };
    const path = conversation.href.slice(base.length + 1);
    expect(json(await call(path))).toMatchObject({ rel: 'conversation', subject: 's' });
    const sent = await post(`${path}/messaging/messages?operationId=1`, 'hi & bye', 'text/plain');
    expect([sent.status, sent.body.length]).toEqual([201, 0]);
    const message = json(
      await send(pool.url + (sent.headers.location ?? ''), { headers: bearer('ann') }),
    );
    expect(message).toMatchObject({
      rel: 'message',
      operationId: '1',
      _links: { plainMessage: { href: 'data:text/plain;charset=utf8,hi%20%26%20bye' } },
    });
    expect((await post(`${path}/messaging/typing`)).status).toBe(204);
    expect((await post(`${path}/messaging/terminate`)).status).toBe(204);
    const gone = await call(path, { method: 'DELETE' });
    expect([gone.status, json(gone)['subcode']]).toEqual([404, 'ConversationNotFound']);
  });

  test('are created by their first request only with applications "any"', async () => {
    expect((await post('communication/conversations/c1/messaging/messages', '{}')).status).toBe(
      201,
    );
    await startOther({ latency: 0 });
    const headers = { ...bearer('ann'), 'Content-Type': 'application/json' };
    const made = await send(`${pool.url}/ucwa/oauth/v1/applications`, {
      method: 'POST',
      headers,
      body: '{"EndpointId":"e"}',
    });
    const { self } = json(made)['_links'] as { self: { href: string } };
    const answer = await send(`${pool.url}${self.href}/communication/conversations/c1`, {
      headers,
    });
    expect([answer.status, json(answer)['subcode']]).toEqual([404, 'ConversationNotFound']);
  });
});
