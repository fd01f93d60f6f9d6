import { describe, expect, test } from '@jest/globals';
import { admit } from '../../../src/core/admit/admit.ts';
import { readHead } from '../../../src/core/admit/request-head.ts';
import { aHead } from '../../support/heads.ts';

function verdict(method: string, target: string, headers: readonly string[], httpVersion = '1.1') {
  const result = admit({ method, target, httpVersion, headers }, readHead(headers));
  return typeof result === 'string' ? result : `${result.status} ${result.reason}`;
}

const host = ['Host', 'pool.example'];

describe('admit', () => {
  test.each([
    ['/ucwa/oauth/v1/applications/1/me'],
    ['//evil.example/x'],
    ['/a/../b'],
    ['/%2e%2e/b'],
    ['/a?q=sip:ann@example.com'],
    ['/a?b\\c'],
    ['/a?'],
  ])('lets the target %s through byte for byte', (target) => {
    expect(verdict('GET', target, host)).toBe(target);
  });

  test.each(['chunked', 'Chunked'])('lets a body in %s through', (coding) => {
    expect(verdict('POST', '/a', [...host, 'Transfer-Encoding', coding])).toBe('/a');
  });

  test('tells codings apart at their commas, with blanks or without', () => {
    for (const codings of ['gzip,chunked', 'gzip, chunked', 'gzip,\t chunked']) {
      const headers = [...host, 'Transfer-Encoding', codings];
      expect(verdict('POST', '/a', headers)).toBe('501 transfer_encoding');
    }
  });

  test('reduces an absolute target of the host that was asked to its path', () => {
    expect(verdict('GET', 'http://Pool.example/a?b', host)).toBe('/a?b');
    expect(verdict('GET', 'https://pool.example', host)).toBe('/');
    expect(verdict('GET', 'http://pool.example?b', host)).toBe('/?b');
  });

  test('lets OPTIONS * through, and no other method with *', () => {
    expect(verdict('OPTIONS', '*', host)).toBe('*');
    expect(verdict('GET', '*', host)).toBe('400 target');
  });

  test.each<[string, string, string, readonly string[], string, string]>([
    ['two Hosts', 'GET', '/a', [...host, ...host], '1.1', '400 host'],
    ['no Host in HTTP/1.1', 'GET', '/a', [], '1.1', '400 host'],
    ['a Host with a path', 'GET', '/a', ['Host', 'h/ucwa/v1/applications/2?'], '1.1', '400 host'],
    ['a Host with a user', 'GET', '/a', ['Host', 'me@h'], '1.1', '400 host'],
    ['an empty Host', 'GET', '/a', ['Host', ''], '1.1', '400 host'],
    [
      'two Authorizations',
      'GET',
      '/a',
      [...host, 'Authorization', 'a', 'authorization', 'a'],
      '1.1',
      '400 credentials',
    ],
    [
      'two web tickets',
      'GET',
      '/a',
      [...host, 'X-MS-WebTicket', 'a', 'x-ms-webticket', 'b'],
      '1.1',
      '400 credentials',
    ],
    [
      'another transfer coding',
      'POST',
      '/a',
      [...host, 'Transfer-Encoding', 'gzip, chunked'],
      '1.1',
      '501 transfer_encoding',
    ],
    [
      'two transfer codings in two lines',
      'POST',
      '/a',
      [...host, 'Transfer-Encoding', 'gzip', 'Transfer-Encoding', 'chunked'],
      '1.1',
      '501 transfer_encoding',
    ],
    [
      'a transfer coding that does not end in chunks',
      'POST',
      '/a',
      [...host, 'Transfer-Encoding', 'chunked, gzip'],
      '1.1',
      '400 transfer_encoding',
    ],
    [
      'a transfer coding that only looks like chunks',
      'POST',
      '/a',
      [...host, 'Transfer-Encoding', 'gzip, xchunked'],
      '1.1',
      '400 transfer_encoding',
    ],
    [
      'a transfer coding in HTTP/1.0',
      'POST',
      '/a',
      [...host, 'Transfer-Encoding', 'chunked'],
      '1.0',
      '400 transfer_encoding',
    ],
    ['HTTP/0.9', 'GET', '/a', [], '0.9', '400 http_version'],
    ['a fragment', 'GET', '/a#b', host, '1.1', '400 target'],
    ['a fragment in a query', 'GET', '/a?b#c', host, '1.1', '400 target'],
    ['a backslash in the path', 'GET', '/a\\b', host, '1.1', '400 target'],
    ['a target without a slash', 'GET', 'a', host, '1.1', '400 target'],
    [
      'an absolute target elsewhere',
      'GET',
      'http://evil.example/a',
      host,
      '1.1',
      '421 misdirected',
    ],
    [
      'an absolute target with a user',
      'GET',
      'http://pool.example@evil.example/',
      host,
      '1.1',
      '421 misdirected',
    ],
    [
      'a target that only holds an absolute one',
      'GET',
      'xhttp://pool.example/',
      host,
      '1.1',
      '400 target',
    ],
    [
      'a fragment in an absolute target',
      'GET',
      'http://pool.example/a#b',
      host,
      '1.1',
      '400 target',
    ],
    [
      'an absolute target of a host of its own',
      'GET',
      'http://pool.example/',
      [],
      '1.0',
      '421 misdirected',
    ],
    ['CONNECT', 'CONNECT', 'pool.example:443', host, '1.1', '501 method'],
    ['TRACE', 'TRACE', '/a', host, '1.1', '501 method'],
  ])('refuses %s', (_what, method, target, headers, version, expected) => {
    expect(verdict(method, target, headers, version)).toBe(expected);
  });

  test('lets HTTP/1.0 without a Host through', () => {
    expect(verdict('GET', '/a', [], '1.0')).toBe('/a');
  });

  test('takes hosts with ports and IPv6 addresses', () => {
    expect(verdict('GET', '/a', ['Host', '[::1]:8080'])).toBe('/a');
    expect(verdict('GET', '/a', ['Host', 'lync_web.example.com:443'])).toBe('/a');
  });
});

test('a head counts its bytes as they stand on the wire', () => {
  const { facts } = aHead('GET', '/a', ['Accept', 'text/html']);
  expect(facts.bytes).toBe('Host: pool.example\r\nAccept: text/html\r\n'.length);
});

describe('where a body ends is said once and plainly, or the request is refused:', () => {
  const framing = '400 transfer_encoding';
  test.each<[string, string, string[]]>([
    ['POST', framing, ['Content-Length', '040']],
    ['POST', framing, ['Content-Length', '00']],
    ['POST', framing, ['Content-Length', '9'.repeat(17)]],
    ['POST', framing, ['Content-Length', '1', 'Content_Length', '5']],
    ['POST', framing, ['Content-Length', '1', 'Transfer-Encoding!', 'chunked']],
    ['HEAD', framing, ['Content-Length', '1']],
    ['HEAD', framing, ['Transfer-Encoding', 'chunked']],
    ['POST', '/a', ['Content-Length', '40']],
    ['POST', '/a', ['Content-Length', '0']],
    ['HEAD', '/a', ['Content-Length', '0']],
    ['HEAD', '/a', []],
    ['GET', '/a', ['Content-Length', '1']],
  ])('%s: %s for %j', (method, expected, fields) => {
    expect(verdict(method, '/a', [...host, ...fields])).toBe(expected);
  });
});
