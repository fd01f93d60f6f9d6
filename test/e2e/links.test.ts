/** A client that comes by the proxy's own address stays on the proxy: links to the pool come back with that address. */
import { get } from 'node:https';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { startLinks as start } from '../support/linking-pool.ts';

const json = ['Content-Type', 'application/json; charset=utf-8'];
const root = (origin: string): string =>
  `{"_links":{"self":{"href":"${origin}/root"},"user":{"href":"${origin}\\/user"},"xframe":{"href":"/xframe"}}}`;
const rootPath = '/Autodiscover/AutodiscoverService.svc/root';

/** The same text with each slash escaped, as Microsoft's JSON has it. */
const escaped = (text: string): string => text.replaceAll('/', '\\/');

const discoveries = [
  '/',
  '/?sipuri=user@pool.example',
  rootPath,
  '/autodiscover/autodiscoverservice.svc/root/user',
  `${rootPath}/oauth/user?originalDomain=pool.example`,
  '//Autodiscover/AutodiscoverService.svc/root',
];

describe('a discovery document', () => {
  test.each(discoveries)('at %s leads to the proxy, and no other byte changes', async (target) => {
    const document = (origin: string): string =>
      `\ufeff{ "_links" : {"self":{"href":"${origin}/root?a=\u00e9"},"user":{"href":"${escaped(`${origin}/user`)}"},` +
      `"xframe":{"href":"/xframe"},"applications":{"revision":2,"href":"${origin}"}},"note":"${origin}/note"}\r\n`;
    const { pool, own, ask, count } = await start((_, origin) => ({
      headers: json,
      body: document(origin),
    }));
    const { head, body } = await ask(target);
    const expected = document(own).replace(`"${own}/note"`, `"${pool.url}/note"`);
    expect(body.toString()).toBe(expected);
    expect(head).toMatch(new RegExp(`^Content-Length: ${body.length}$`, 'im'));
    expect(await count('discovery')).toBe(3);
    expect(await count('left_discovery')).toBe(0);
  });

  test('in XML leads to the proxy, and no other byte changes', async () => {
    const document = (origin: string, text: string): string =>
      `<?xml version="1.0" encoding="utf-8"?>\r\n<!-- ${text} --><AutodiscoverResponse AccessLocation="External">` +
      `<Root><Link token="Domain" href="${origin}/root"/><Link href='${origin.replaceAll('/', '&#x2f;')}/u?a=1&amp;b=2' token="User"></Link>` +
      `<Link token="External/XFrame" xhref="${text}" href="${origin}"/><Note>${text}</Note></Root></AutodiscoverResponse>`;
    const { pool, own, ask, count } = await start((_, origin) => ({
      headers: ['Content-Type', 'application/vnd.microsoft.rtc.autodiscover+xml;v=1'],
      body: document(origin, origin),
    }));
    const { body } = await ask('/');
    const plain = own.replaceAll('/', '&#x2f;');
    expect(body.toString()).toBe(document(own, pool.url).replace(plain, own));
    expect(await count('discovery')).toBe(3);
  });

  test('that leads to a name that is not configured stays, is counted, and is logged once', async () => {
    const body = '{"_links":{"user":{"href":"https://Lyncweb.Pool.example:443/user"}}}';
    const { proxy, ask, count } = await start(() => ({ headers: json, body }));
    for (let n = 0; n < 3; n += 1) expect((await ask('/')).body.toString()).toBe(body);
    expect(await count('left_discovery')).toBe(3);
    expect(await count('discovery')).toBe(0);
    const lines = proxy.log.filter((line) => line.includes('lyncweb.pool.example'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('pools[].hosts');
  });

  test('stays as it is for a client that comes by the name of the pool', async () => {
    const { pool, ask, count } = await start((_, origin) => ({
      headers: json,
      body: root(origin),
    }));
    const { body } = await ask('/', [], { host: `127.0.0.1:${pool.port}` });
    expect(body.toString()).toBe(root(pool.url));
    expect(await count('discovery')).toBe(0);
  });
});

test('other answers stay as they are, whatever they contain', async () => {
  const { pool, ask, count } = await start((_, origin) => ({ headers: json, body: root(origin) }));
  const targets = [
    '/other',
    '/ucwa/oauth/v1/applications/1/me',
    '/ucwa/oauth/v1/applications/1',
    '/Autodiscover/XFrame/XFrame.html',
  ];
  for (const target of targets) {
    const { body } = await ask(target, ['Authorization: Bearer cwt=a']);
    expect(body.toString()).toBe(root(pool.url));
  }
  expect(await count('discovery')).toBe(0);
});

describe('the answer to the creation of an application', () => {
  test.each([
    '/ucwa/oauth/v1/applications',
    '/ucwa/v1/applications',
    '/ucwa/oauth/v1/anonApplications',
  ])('at %s leads to the proxy', async (target) => {
    const { own, ask, count } = await start((request, origin) => ({
      status: 201,
      headers: [...json, 'Location', `${origin}${request.url}/1`],
      body: `{"id":"1","_links":{"self":{"href":"${origin}${request.url}/1"},"batch":{"href":"${request.url}/1/batch"}}}`,
    }));
    const { head, body } = await ask(target, ['Content-Type: application/json'], {
      method: 'POST',
      body: '{}',
    });
    expect(JSON.parse(body.toString())).toEqual({
      id: '1',
      _links: { self: { href: `${own}${target}/1` }, batch: { href: `${target}/1/batch` } },
    });
    expect(head).toMatch(new RegExp(`^Location: ${own}${target}/1$`, 'm'));
    expect([await count('application'), await count('location')]).toEqual([1, 1]);
  });
});

describe('an answer of the token service', () => {
  test('leads to the page of the passive sign-in at the proxy', async () => {
    const document = (origin: string): string =>
      `{"error":"invalid_grant","ms_rtc_passiveauthuri":"${escaped(origin)}\\/PassiveAuth\\/PassiveAuth.aspx","href":"http://127.0.0.1/"}`;
    const { own, ask, count } = await start((_, origin) => ({
      status: 400,
      headers: json,
      body: document(origin),
    }));
    const { body } = await ask('/WebTicket/oauthtoken', [], {
      method: 'POST',
      body: 'grant_type=x',
    });
    expect(body.toString()).toBe(document(own));
    expect(await count('token')).toBe(1);
  });

  test('describes the web ticket service with the address of the proxy', async () => {
    const document = (origin: string): string =>
      `<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"><wsdl:service name="s"><wsdl:port name="a">` +
      `<soap:address location="${origin}/WebTicket/WebTicketService.svc/Anon"/><wsa10:EndpointReference>` +
      `<wsa10:Address>${origin}/WebTicket/WebTicketService.svc/Anon</wsa10:Address></wsa10:EndpointReference>` +
      `</wsdl:port></wsdl:service></wsdl:definitions>`;
    const { own, ask } = await start((_, origin) => ({
      headers: ['Content-Type', 'text/xml; charset=UTF-8'],
      body: document(origin),
    }));
    const { body } = await ask('/WebTicket/WebTicketService.svc/mex');
    expect(body.toString()).toBe(document(own));
  });

  test('with a signed ticket stays as it is', async () => {
    const ticket = (origin: string): string =>
      `<Envelope><AppliesTo><Address>${origin}/</Address></AppliesTo><Signature/></Envelope>`;
    const { pool, ask } = await start((_, origin) => ({
      headers: ['Content-Type', 'text/xml'],
      body: ticket(origin),
    }));
    const { body } = await ask('/WebTicket/WebTicketService.svc/Anon', [], { method: 'POST' });
    expect(body.toString()).toBe(ticket(pool.url));
  });
});

test('a client that comes by TLS gets https links', async () => {
  const file = (name: string): string =>
    fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
  const { proxy } = await start((_, origin) => ({ headers: json, body: root(origin) }), {
    UCWA_PROXY_LISTEN_TLS_CERT: file('server.pem'),
    UCWA_PROXY_LISTEN_TLS_KEY: file('server.key'),
  });
  const own = `https://localhost:${proxy.port}`;
  const text = await new Promise<string>((resolve, reject) => {
    get(`${own}/`, { ca: readFileSync(file('ca.pem')), agent: false }, (response) => {
      let received = '';
      response.on('data', (chunk: Buffer) => (received += chunk.toString()));
      response.on('end', () => resolve(received));
    }).on('error', reject);
  });
  expect(JSON.parse(text)).toMatchObject({ _links: { user: { href: `${own}/user` } } });
});
