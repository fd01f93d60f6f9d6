import { expect, test } from '@jest/globals';
import { hostNameOf, httpsRedirect } from '../../../src/core/answer/https-redirect.ts';

const locationOf = (host: string, target: string, tlsPort?: number): string =>
  httpsRedirect('GET', host, target, tlsPort).headers[1] ?? '';

test.each([
  ['pool.example', 443, 'https://pool.example/a?b'],
  ['pool.example', 8443, 'https://pool.example/a?b'],
  ['pool.example:80', 443, 'https://pool.example/a?b'],
  ['pool.example:8080', 8443, 'https://pool.example:8443/a?b'],
  ['pool.example:8080', undefined, 'https://pool.example/a?b'],
  ['[::1]:8080', 8443, 'https://[::1]:8443/a?b'],
  ['[::1]', 443, 'https://[::1]/a?b'],
])('the Host %s with the TLS port %s leads to %s', (host, tlsPort, location) => {
  expect(locationOf(host, '/a?b', tlsPort)).toBe(location);
});

test.each([
  '//evil.example/a',
  '/%2f/evil.example',
  '/@evil.example/',
  '/%5C%5Cevil.example/%252e%252e',
  '/a?http://evil.example/',
])('the target %s stays a path of the same host', (target) => {
  const location = locationOf('pool.example', target);
  expect(location).toBe(`https://pool.example${target}`);
  expect(new URL(location).host).toBe('pool.example');
});

test.each([
  ['GET', 301],
  ['HEAD', 301],
  ['POST', 308],
  ['PUT', 308],
  ['DELETE', 308],
])('a %s gets %s, and so keeps its method', (method, status) => {
  expect(httpsRedirect(method, 'pool.example', '/', 443).status).toBe(status);
});

test.each([
  ['Pool.Example:80', 'pool.example'],
  ['pool.example.', 'pool.example.'],
  ['[2001:DB8::1]:80', '[2001:db8::1]'],
  ['127.0.0.1', '127.0.0.1'],
])('the name in the Host %s is %s', (host, name) => {
  expect(hostNameOf(host)).toBe(name);
});

test.each(['', ':80', '[:::]', '[::1', '0x7f.1', '1.2.3', '999.1.1.1', '[::ffff:1.2.3.4]'])(
  'the Host %j has no name for a redirect',
  (host) => {
    expect(hostNameOf(host)).toBeUndefined();
  },
);
