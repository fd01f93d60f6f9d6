import { expect, test } from '@jest/globals';
import { foreignRelations, readDiscovery } from '../../src/cli/discovery.ts';

const documentWith = (links: unknown) => JSON.stringify({ _links: links });

test('absolute links are returned, other links are dropped', () => {
  const links = readDiscovery(
    `\uFEFF${documentWith({
      self: { href: 'https://Pool.example/root' },
      user: { href: 'https://pool.example:443/root/user' },
      relative: { href: '/root' },
      'no\u001bname': { href: 'https://pool.example/' },
      script: { href: 'javascript:alert(1)' },
      nothing: null,
      number: { href: 5 },
      endless: { href: `https://pool.example/${'a'.repeat(2048)}` },
    })}`,
  )!;
  expect([...links].map(([relation, url]) => [relation, url.href])).toEqual([
    ['self', 'https://pool.example/root'],
    ['user', 'https://pool.example/root/user'],
  ]);
});

test.each([
  '',
  'null',
  '5',
  '"_links"',
  '[]',
  '{}',
  '{"_links":null}',
  '{"_links":{"self":null}}',
  '<html></html>',
  documentWith({ self: { href: '/ucwa/oauth/v1/applications/1' } }),
  documentWith({ applications: { href: 'https://pool.example/' } }),
])('%s is not a discovery document', (text) => {
  expect(readDiscovery(text)).toBeUndefined();
});

test('links are foreign if their host or port differs from the requested one', () => {
  const links = readDiscovery(
    documentWith({
      self: { href: 'https://pool.example/' },
      user: { href: 'https://pool.example:444/' },
      xframe: { href: 'https://web.example/' },
    }),
  )!;
  expect(foreignRelations(links, new URL('https://POOL.example:443/x'))).toEqual([
    'user',
    'xframe',
  ]);
});
