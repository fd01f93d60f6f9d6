import { describe, expect, test } from '@jest/globals';
import { admit } from '../../../src/core/admit/admit.ts';
import { readHead } from '../../../src/core/admit/request-head.ts';
import { aHead } from '../../support/heads.ts';

function admitted(method: string, target: string, headers: readonly string[], httpVersion = '1.1') {
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
  ])('returns the target %s byte for byte', (target) => {
    expect(admitted('GET', target, host)).toBe(target);
  });

  test.each(['chunked', 'Chunked'])('accepts a body with Transfer-Encoding: %s', (coding) => {
    expect(admitted('POST', '/a', [...host, 'Transfer-Encoding', coding])).toBe('/a');
  });

  test('splits codings at commas, with or without blanks', () => {
    for (const codings of ['gzip,chunked', 'gzip, chunked', 'gzip,\t chunked']) {
      const headers = [...host, 'Transfer-Encoding', codings];
      expect(admitted('POST', '/a', headers)).toBe('501 transfer_encoding');
    }
  });

  test('returns the path of an absolute target with the same host as Host', () => {
    expect(admitted('GET', 'http://Pool.example/a?b', host)).toBe('/a?b');
    expect(admitted('GET', 'https://pool.example', host)).toBe('/');
    expect(admitted('GET', 'http://pool.example?b', host)).toBe('/?b');
  });

  test('accepts OPTIONS *, and refuses * with other methods', () => {
    expect(admitted('OPTIONS', '*', host)).toBe('*');
    expect(admitted('GET', '*', host)).toBe('400 target');
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
      'an absolute target with another host',
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
      'a target that only ends in an absolute one',
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
    ['an absolute target and no Host', 'GET', 'http://pool.example/', [], '1.0', '421 misdirected'],
    ['CONNECT', 'CONNECT', 'pool.example:443', host, '1.1', '501 method'],
    ['TRACE', 'TRACE', '/a', host, '1.1', '501 method'],
  ])('refuses %s', (_what, method, target, headers, version, expected) => {
    expect(admitted(method, target, headers, version)).toBe(expected);
  });

  test('accepts HTTP/1.0 without a Host', () => {
    expect(admitted('GET', '/a', [], '1.0')).toBe('/a');
  });

  test('accepts hosts with ports and IPv6 addresses', () => {
    expect(admitted('GET', '/a', ['Host', '[::1]:8080'])).toBe('/a');
    expect(admitted('GET', '/a', ['Host', 'lync_web.example.com:443'])).toBe('/a');
  });
});

test('the length of a head is its length on the wire, with line ends', () => {
  const { facts } = aHead('GET', '/a', ['Accept', 'text/html']);
  expect(facts.bytes).toBe('Host: pool.example\r\nAccept: text/html\r\n'.length);
});

describe('a request is refused unless its body length is clear:', () => {
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
    expect(admitted(method, '/a', [...host, ...fields])).toBe(expected);
  });
});
