/** Requirements of Microsoft for a reverse proxy that no other test shows (docs/skype-for-business.md). */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { describeLists, describeSettings } from '../../src/settings/describe-settings.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';

const cookie = 'MS-WSMAN=afYbGkr7Ji%3D; X="a b"';

describe('the cookie of an affine balancer passes both ways, byte for byte,', () => {
  test.each([
    ['on a call that passes through', '/meet/ann/ABC'],
    ['on a call that is batchable', '/ucwa/oauth/v1/applications/1/me'],
  ])('%s', async (_way, target) => {
    const pool = await startScriptedPool((_, socket) => {
      socket.write(
        `HTTP/1.1 200 OK\r\nSet-Cookie: ${cookie}; path=/\r\nContent-Length: 2\r\n\r\nok`,
      );
    });
    const proxy = await startProxy(pool.url);
    const client = new RawClient(proxy.port);
    client.send(
      `GET ${target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nCookie: ${cookie}\r\n\r\n`,
    );
    const { head } = await client.readAnswer();
    expect(head).toContain(`\r\nSet-Cookie: ${cookie}; path=/\r\n`);
    expect(pool.requests[0]).toContain(`Cookie: ${cookie}\r\n`);
  });
});

describe('every path and method of the web services reaches the pool:', () => {
  test.each([
    ...['PROPFIND /files/deck.pptx', 'MKCOL /files/new', 'SEARCH /files/', 'OPTIONS /lwa/'],
    ...['GET /meet/ann/ABC', 'GET /dialin/', 'POST /reach/sip.svc', 'GET /abs/handler/F-1.lsabs'],
    ...['GET /datacollabweb/wopi', 'POST /CertProv/CertProvisioningService.svc'],
    ...['GET /GroupExpansion/int/service.svc', 'GET /autodiscover/autodiscoverservice.svc/root'],
  ])('%s', async (line) => {
    const pool = await startScriptedPool((_, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const proxy = await startProxy(pool.url);
    const client = new RawClient(proxy.port);
    client.send(`${line} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
    expect((await client.readAnswer()).status).toBe(200);
    expect(pool.requests[0]).toContain(`${line} HTTP/1.1\r\n`);
  });
});

test("each row of Microsoft's list names settings that exist", () => {
  const page = readFileSync(new URL('../../docs/skype-for-business.md', import.meta.url), 'utf8');
  const list = page.slice(page.indexOf('<!-- list -->'), page.indexOf('<!-- /list -->'));
  const rows = [...list.matchAll(/^\|(.*)\|(.*)\|(.*)\|(.*)\|$/gm)].slice(2);
  expect(rows).toHaveLength(17);
  const known = new Set([
    ...describeSettings().map(({ key }) => key),
    ...describeLists().flatMap(({ key, items }) => [key, ...items.map((item) => item.key)]),
  ]);
  const named = rows.flatMap(([, , , settings = '']) =>
    [...settings.matchAll(/`([^`]+)`/g)].map(([, key = '']) => key),
  );
  expect(named.filter((key) => !known.has(key))).toEqual([]);
});
