import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { bearer, json, send } from './http-client.ts';

const base = '/ucwa/v1/applications/23';
const ticket = { 'X-MS-WebTicket': 'opaque=sim-ann' };
const prolog = '<?xml version="1.0" encoding="utf-8"?>';
const namespace = 'xmlns="http://schemas.microsoft.com/rtc/2012/03/ucwa"';
let pool: Simulator;

beforeEach(async () => {
  pool = await startSimulator({ latency: 0, applications: 'any', eventSecondMs: 1 });
});
afterEach(() => pool.stop());

function call(path: string, accept: string, headers: Record<string, string> = {}) {
  return send(`${pool.url}${base}/${path}`, { headers: { ...ticket, Accept: accept, ...headers } });
}

describe('the media type of an answer', () => {
  test.each([
    ['application/json', 'application/json'],
    ['application/xml', 'application/xml'],
    ['application/vnd.microsoft.com.ucwa+json', 'application/vnd.microsoft.com.ucwa+json'],
    ['application/vnd.microsoft.com.ucwa+xml', 'application/vnd.microsoft.com.ucwa+xml'],
    ['application/json;q=0.5, application/xml', 'application/xml'],
    ['application/json;q=0, application/xml;q=0.1', 'application/xml'],
    ['text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8', 'application/xml'],
    ['*/*, application/xml;q=0.5', 'application/json'],
    ['text/plain', 'application/json'],
    ['', 'application/json'],
  ])('to Accept: %s is %s', async (accept, type) => {
    expect((await call('me', accept)).headers['content-type']).toBe(`${type}; charset=utf-8`);
  });
});

describe('XML', () => {
  test('has links, properties and embedded resources', async () => {
    const answer = await call('me/phones', 'application/xml');
    const first = `<resource rel="phone" href="${base}/me/phones/home"><property name="includeInContactCard">true</property><property name="number">tel:+4989550100</property><property name="type">home</property></resource>`;
    expect(answer.body.toString()).toContain(
      `${prolog}<resource rel="phones" href="${base}/me/phones" ${namespace}>${first}`,
    );
  });

  test('has lists and escaped characters', async () => {
    const text = (await call('me', 'application/xml')).body.toString();
    expect(text).toContain(
      '<propertyList name="emailAddresses"><item>ann@pool.example</item></propertyList>',
    );
    expect(text).toContain('<property name="department">Sales &amp; Marketing</property>');
    expect(text).toContain(`<link rel="phones" href="${base}/me/phones"/>`);
  });

  test('of an error is a <reason>', async () => {
    const answer = await call('people/search', 'application/xml');
    expect(answer.status).toBe(400);
    expect(answer.body.toString()).toMatch(
      new RegExp(
        `^<\\?xml .*\\?><reason ${namespace}><code>BadRequest</code><subcode>ParameterValidationFailure</subcode><message>[^<]+</message></reason>$`,
      ),
    );
  });

  test('of events has senders with their events', async () => {
    await call('me', 'application/xml');
    pool.raise('ann', {
      type: 'completed',
      rel: 'message',
      href: 'communication/x',
      status: 'Success',
      embedded: { rel: 'message', href: 'communication/x' },
    });
    const text = (await call('events?ack=1', 'application/xml')).body.toString();
    expect(text).toBe(
      `${prolog}<events href="${base}/events?ack=1" ${namespace}><link rel="next" href="${base}/events?ack=2"/>` +
        `<sender rel="communication" href="${base}/communication"><completed rel="message" href="${base}/communication/x" status="Success">` +
        `<resource rel="message" href="${base}/communication/x"></resource></completed></sender></events>`,
    );
  });
});

describe('JSON', () => {
  test('has the spelling of the .NET serializer', async () => {
    expect((await call('me', 'application/json')).body.toString()).toContain(
      '"Sales \\u0026 Marketing"',
    );
    const conversation = await call('communication/conversations/c1', 'application/json');
    expect(conversation.body.toString()).toMatch(/"created":"\\\/Date\(\d{13}\)\\\/"/);
    expect(json(conversation)['created']).toMatch(/^\/Date\(\d{13}\)\/$/);
  });

  test('is compressed for a client that accepts gzip, and a photo is not', async () => {
    const plain = await call('me', 'application/json');
    const answer = await call('me', 'application/json', { 'Accept-Encoding': 'gzip, deflate' });
    expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(gunzipSync(answer.body)).toEqual(plain.body);
    const photo = await call('photos/a@b.example', '*/*', { 'Accept-Encoding': 'gzip' });
    expect(photo.headers).not.toHaveProperty('content-encoding');
  });
});

test('a bearer token is not accepted below /ucwa/v1', async () => {
  const answer = await send(`${pool.url}${base}/me`, { headers: bearer('ann') });
  expect(answer.status).toBe(401);
});
