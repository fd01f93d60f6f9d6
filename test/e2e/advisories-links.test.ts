/** Faults of other servers that build links from what a request says about its host. See docs/advisories.md. */
import { describe, expect, test } from '@jest/globals';
import { type Links, startLinks } from '../support/linking-pool.ts';

const trusted = { UCWA_PROXY_LISTEN_TRUSTED_PROXIES: '127.0.0.1' };
const token = '/WebTicket/oauthtoken';

/** A pool with a link in a redirect, in a challenge, and in a document. */
function start(env: Readonly<Record<string, string>> = {}): Promise<Links> {
  return startLinks(
    (request, origin) =>
      request.url === '/'
        ? {
            headers: ['Content-Type', 'application/json', 'Cache-Control', 'public, max-age=600'],
            body: `{"href":"${origin}/user"}`,
          }
        : {
            status: request.url === '/401' ? 401 : 302,
            headers: [
              'Location',
              `${origin}/a`,
              'WWW-Authenticate',
              `MsRtcOAuth href="${origin}${token}"`,
            ],
          },
    env,
  );
}

/** The links in the answers to requests with these fields. */
async function linksOf({ ask }: Links, lines: readonly string[], host?: string): Promise<string[]> {
  const asked = host === undefined ? {} : { host };
  const { body } = await ask('/', lines, asked);
  const { href } = JSON.parse(body.toString()) as { href: string };
  const redirect = await ask('/302', lines, asked);
  const challenge = await ask('/401', lines, asked);
  return [
    href,
    /^Location: (.*)\r$/m.exec(redirect.head)?.[1] ?? '',
    /^WWW-Authenticate: (.*)\r$/m.exec(challenge.head)?.[1] ?? '',
  ];
}

const expected = (origin: string): string[] => [
  `${origin}/user`,
  `${origin}/a`,
  `MsRtcOAuth href="${origin}${token}"`,
];

const fieldsOfProxies = [
  ['X-Forwarded-Host: evil.example'],
  ['X-Forwarded-Proto: https'],
  ['Forwarded: host=evil.example;proto=https'],
  ['X_Forwarded_Host: evil.example'],
  ['X-Host: evil.example', 'X-Original-Host: evil.example', 'X-Forwarded-Server: evil.example'],
  [
    'X-Forwarded-Port: 444',
    'X-Forwarded-Prefix: ///evil.example',
    'X-Original-URL: https://evil.example/',
  ],
];

describe('a field that names another host changes no link', () => {
  test.each(fieldsOfProxies)('if its peer is not trusted: %s', async (...lines) => {
    const links = await start();
    expect(await linksOf(links, lines)).toEqual(expected(links.own));
  });

  test.each(fieldsOfProxies.slice(3))(
    'if the proxy does not read the field: %s',
    async (...lines) => {
      const links = await start(trusted);
      expect(await linksOf(links, lines)).toEqual(expected(links.own));
    },
  );

  test.each([
    'evil.example/',
    'evil.example\\',
    '\\\\evil.example',
    '//evil.example',
    'https://evil.example',
    'user@evil.example',
    'evil.example#',
    'evil.example?',
    'evil.example:',
    'evil.example:0',
    'evil.example:99999',
    'evil.example:443:443',
    'evil.example %09',
    'a", error="insufficient_scope", scope="admin',
    'a"},"href":"b',
    '<a>',
    '%65vil.example',
    '.',
    '..',
    '-',
    '',
  ])('if the host is illegal: %j', async (host) => {
    const links = await start(trusted);
    expect(await linksOf(links, [`X-Forwarded-Host: ${host}`])).toEqual(expected(links.own));
    const quoted = host.replace(/["\\]/g, '\\$&');
    expect(await linksOf(links, [`Forwarded: host="${quoted}"`])).toEqual(expected(links.own));
  });

  test.each(['x:admin?', 'javascript', 'file', 'https://evil.example/?', 'http, x', 'https:'])(
    'if the scheme is not http or https: %s',
    async (scheme) => {
      const links = await start(trusted);
      expect(await linksOf(links, [`X-Forwarded-Proto: ${scheme}`])).toEqual(expected(links.own));
    },
  );

  test('if two kinds of fields contradict each other', async () => {
    const links = await start(trusted);
    const lines = ['X-Forwarded-Host: front.example', 'Forwarded: host=evil.example'];
    expect(await linksOf(links, lines)).toEqual(expected(links.own));
  });
});

describe('a host that a trusted peer names is the host of the links', () => {
  test.each([
    [['X-Forwarded-Host: front.example', 'X-Forwarded-Proto: https'], 'https://front.example'],
    [['X-Forwarded-Host: evil.example, front.example:8443'], 'http://front.example:8443'],
    [['X-Forwarded-Host: evil.example', 'X-Forwarded-Host: front.example'], 'http://front.example'],
    [['X-Forwarded-Host: Front.example:443', 'X-Forwarded-Proto: HTTPS'], 'https://front.example'],
    [
      [
        'Forwarded: for=1.2.3.4;host=evil.example, for="[::1]:1" ; Host="front.example:81";PROTO=https',
      ],
      'https://front.example:81',
    ],
    [['Forwarded: host=front.example', 'X-Forwarded-Host: front.example'], 'http://front.example'],
    [['X-Forwarded-Host: [2001:db8::1]:8080'], 'http://[2001:db8::1]:8080'],
  ])('%j', async (lines, origin) => {
    const links = await start(trusted);
    expect(await linksOf(links, lines)).toEqual(expected(origin));
  });
});

test.each([
  'evil.example"',
  'evil.example/a',
  'a@evil.example',
  'evil.example\\',
  '<a>',
  'a, b',
  'a\tb',
])('an illegal Host is refused, and comes back in no link: %j', async (host) => {
  const { pool, ask } = await start();
  const { status, body, head } = await ask('/', [], { host });
  expect(status).toBe(400);
  expect(head + body.toString()).not.toContain('evil');
  expect(pool.requests).toEqual([]);
});

test('a Host that is legal for HTTP but not for a link changes no link', async () => {
  const links = await start();
  for (const host of ['~', 'a..b', 'evil.example.', 'evil.example:99999']) {
    expect(await linksOf(links, [], host)).toEqual(expected(links.pool.url));
  }
});

test('a client gets its own Host only in the answers to its own requests', async () => {
  const links = await start();
  expect(await linksOf(links, [], 'evil.example')).toEqual(expected('http://evil.example'));
  expect(await linksOf(links, [])).toEqual(expected(links.own));
});

test('no shared cache keeps an answer that has the host of a request', async () => {
  const { ask } = await start(trusted);
  for (const target of ['/', '/302']) {
    const { head } = await ask(target, ['X-Forwarded-Host: evil.example']);
    expect(head).toMatch(/^Cache-Control:.*\bprivate$/m);
    expect(head).not.toMatch(/\bpublic\b/);
  }
});

test('a Host never decides to which server the proxy connects', async () => {
  const links = await start(trusted);
  const other = await start();
  const host = new URL(other.pool.url).host;
  await linksOf(links, ['X-Forwarded-Host: ' + host], host);
  expect(other.pool.peers).toEqual([]);
  expect(links.pool.requests).toHaveLength(3);
});
