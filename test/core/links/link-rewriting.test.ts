import { describe, expect, test } from '@jest/globals';
import { documentFormat, rewriteBody } from '../../../src/core/links/body-links.ts';
import { clientOrigin } from '../../../src/core/links/client-origin.ts';
import { notShared, rewrittenHead } from '../../../src/core/links/document-head.ts';
import { rewriteFields } from '../../../src/core/links/field-links.ts';
import { LinkRewriting } from '../../../src/core/links/link-rewriting.ts';
import { documentOf, linkNames } from '../../../src/core/ucwa/links.ts';

const names = {
  poolOf: (authority: string) => (authority === 'pool.example' ? 'pool' : undefined),
  find: () => ({ poolName: 'pool' }),
};

function rewritingFor(
  scheme: 'http' | 'https',
  authority: string,
  secure?: { readonly authority: string | undefined },
) {
  const left: Array<string | undefined> = [];
  const rewriting = new LinkRewriting({ scheme, authority }, names, secure);
  const replaced = (link: string) => rewriting.rewrite(link, (name) => left.push(name));
  const rewrite = (link: string): string => {
    const replacement = replaced(link);
    return replacement === undefined ? link : replacement.text + link.slice(replacement.length);
  };
  return { rewrite, replaced, left };
}

describe('a link', () => {
  test.each([
    ['https://pool.example/a?b#c', 'http://127.0.0.1:8080/a?b#c'],
    ['HTTPS://POOL.example:443', 'http://127.0.0.1:8080'],
    ['http://pool.example/a', 'http://127.0.0.1:8080/a'],
    ['https://pool.example?a', 'http://127.0.0.1:8080?a'],
    ['https://pool.example//evil.example/', 'http://127.0.0.1:8080//evil.example/'],
    ['//pool.example/a', '//127.0.0.1:8080/a'],
  ])('to the pool gets the origin of the client: %s', (link, expected) => {
    const { rewrite, left } = rewritingFor('http', '127.0.0.1:8080');
    expect(rewrite(link)).toBe(expected);
    expect(left).toEqual([]);
  });

  test('of an http origin becomes an https link for a client of https', () => {
    expect(rewritingFor('https', 'proxy.example').rewrite('http://pool.example/a')).toBe(
      'https://proxy.example/a',
    );
  });

  test.each([
    ['https://pool.example/a', 'https://proxy.example:8443/a'],
    ['HTTPS://pool.example', 'https://proxy.example:8443'],
    ['http://pool.example/a', 'http://proxy.example:8080/a'],
    ['//pool.example/a', '//proxy.example:8080/a'],
  ])('keeps its scheme if https links have an origin of their own: %s', (link, expected) => {
    const secure = { authority: 'proxy.example:8443' };
    const { rewrite, left } = rewritingFor('http', 'proxy.example:8080', secure);
    expect(rewrite(link)).toBe(expected);
    expect(left).toEqual([]);
  });

  test.each([
    ['https://pool.example/a', undefined],
    ['https://other.example/a', 'other.example'],
    ['https:///a', undefined],
  ])('with https stays, and is reported, if no https origin is known: %s', (link, name) => {
    const secure = { authority: undefined };
    const { rewrite, left } = rewritingFor('http', 'proxy.example:8080', secure);
    expect(rewrite(link)).toBe(link);
    expect(left).toEqual([name]);
  });

  test.each([
    ['https://other.example/a', 'other.example'],
    ['https://pool.example:4443/a', 'pool.example:4443'],
    ['https://pool.example.evil.example/', 'pool.example.evil.example'],
    ['https://pool.example@evil.example/', undefined],
    ['https://evil.example@pool.example/', undefined],
    ['https://pool.example\\@evil.example/', undefined],
    ['https:///pool.example/', undefined],
  ])('to another name stays, and is reported: %s', (link, name) => {
    const { rewrite, left } = rewritingFor('http', '127.0.0.1:8080');
    expect(rewrite(link)).toBe(link);
    expect(left).toEqual([name]);
  });

  test.each([
    '',
    '/a',
    'a//b',
    '?a=https://pool.example/',
    'data:text/plain,https://pool.example/',
    'sip:a@pool.example',
    'https:/pool.example/',
    'http://127.0.0.1:8080/a',
  ])('that does not lead away stays, and is not reported: %s', (link) => {
    const { rewrite, left } = rewritingFor('http', '127.0.0.1:8080');
    expect(rewrite(link)).toBe(link);
    expect(left).toEqual([]);
  });
});

describe('the origin of a client', () => {
  const host = '127.0.0.1:8080';

  test('is its Host, with the scheme of the listener', () => {
    expect(clientOrigin('https', 'Proxy.example:443')).toEqual({
      scheme: 'https',
      authority: 'proxy.example',
    });
    expect(clientOrigin('http', 'a..b')).toBeUndefined();
    expect(clientOrigin('http', undefined)).toBeUndefined();
  });

  test.each([
    [[], 'http://127.0.0.1:8080'],
    [['X-Forwarded-Host', 'a.example', 'x-forwarded-proto', 'https'], 'https://a.example'],
    [['X-Forwarded-Proto', 'https'], 'https://127.0.0.1:8080'],
    [['X-Forwarded-Host', 'a.example, b.example:81'], 'http://b.example:81'],
    [['X-Forwarded-Host', 'a/b'], 'http://127.0.0.1:8080'],
    [['X-Forwarded-Proto', 'ftp'], 'http://127.0.0.1:8080'],
    [['Forwarded', 'host=a.example, for=b;Host="c.example" ;proto=https'], 'https://c.example'],
    [['Forwarded', 'for="a,host=b.example\\",c";host=d.example'], 'http://d.example'],
    [['Forwarded', 'xhost=a.example;for=host=b.example'], 'http://127.0.0.1:8080'],
    [['Forwarded', 'host="a\\.example"'], 'http://a.example'],
    [['Forwarded', 'host=a.example', 'X-Forwarded-Host', 'b.example'], 'http://127.0.0.1:8080'],
    [['Forwarded', 'proto=https', 'X-Forwarded-Host', 'b.example'], 'https://b.example'],
  ])('is what the fields of a trusted peer say: %j', (fields, expected) => {
    const origin = clientOrigin('http', host, fields);
    expect(`${origin?.scheme}://${origin?.authority}`).toBe(expected);
  });
});

describe('the fields of an answer', () => {
  const { replaced } = rewritingFor('http', 'own.example');
  const rewrite = (headers: readonly string[]): readonly string[] =>
    rewriteFields(headers, (_, link) => replaced(link));

  test('keep their order and spelling, and all other values', () => {
    const headers = [
      'LOCATION',
      'https://pool.example/a',
      'x-a',
      'https://pool.example/',
      'content-location',
      '/b',
      'Content-Location',
      'https://pool.example',
    ];
    expect(rewrite(headers)).toEqual([
      'LOCATION',
      'http://own.example/a',
      'x-a',
      'https://pool.example/',
      'content-location',
      '/b',
      'Content-Location',
      'http://own.example',
    ]);
  });

  test('are the same object without a link to the pool', () => {
    const headers = [
      'Location',
      '/a',
      'Location',
      'https://other.example/',
      'WWW-Authenticate',
      'MsRtcOAuth grant_type="https://pool.example/"',
      'WWW-Authenticate',
      '',
    ];
    expect(rewrite(headers)).toBe(headers);
  });

  test.each([
    [
      'MsRtcOAuth href="https://pool.example/t",grant_type="a,b"',
      'MsRtcOAuth href="http://own.example/t",grant_type="a,b"',
    ],
    [
      'Bearer href="https://pool.example/", msrtcoauth a="b" ,  Href = https://pool.example',
      'Bearer href="https://pool.example/", msrtcoauth a="b" ,  Href = http://own.example',
    ],
    [
      'MsRtcOAuth href="https://pool.example/t", Basic realm="x", href="https://pool.example/"',
      'MsRtcOAuth href="http://own.example/t", Basic realm="x", href="https://pool.example/"',
    ],
    ['MsRtcOAuth xhref="https://pool.example/t"', 'MsRtcOAuth xhref="https://pool.example/t"'],
    ['MsRtcOAuth href="https://pool.example/t', 'MsRtcOAuth href="http://own.example/t'],
    [
      'MsRtcOAuth a="\\", href=\\"https://pool.example/"',
      'MsRtcOAuth a="\\", href=\\"https://pool.example/"',
    ],
  ])('have the links of challenges rewritten: %s', (value, expected) => {
    expect(rewrite(['WWW-Authenticate', value])).toEqual(['WWW-Authenticate', expected]);
  });
});

describe('a document', () => {
  test.each([
    ['GET', '/', 'discovery'],
    ['HEAD', '/?sipuri=a', 'discovery'],
    [
      'GET',
      '//AutoDiscover/AutoDiscoverService.svc/Root/oauth/user?originalDomain=a/b',
      'discovery',
    ],
    ['POST', '/ucwa/oauth/v1/applications?a=b', 'application'],
    ['POST', '/UCWA/v1/anonApplications/', 'application'],
    ['POST', '/webticket/oauthtoken', 'token'],
    ['POST', '/WebTicket/WebTicketService.svc/mex', 'token'],
    ['GET', '/WebTicket/WebTicketService.svc?wsdl', 'token'],
    ['POST', '/', undefined],
    ['GET', '/webticket/oauthtoken', undefined],
    ['POST', '/WebTicket/WebTicketService.svc/Anon', undefined],
    ['GET', '/ucwa/oauth/v1/applications', undefined],
    ['POST', '/ucwa/oauth/v1/applications/1/batch', undefined],
    ['GET', '/ucwa/oauth/v1/applications/1/events', undefined],
    ['GET', '/Autodiscover/XFrame/XFrame.html', undefined],
    ['GET', '/other', undefined],
  ])('answers %s %s: %s', (method, target, kind) => {
    expect(documentOf(method, target)).toBe(kind);
  });

  test.each([
    ['application/json', 'json'],
    ['application/vnd.microsoft.com.ucwa+JSON; charset="UTF-8"', 'json'],
    ['text/xml;charset=windows-1252', 'xml'],
    ['application/vnd.microsoft.rtc.autodiscover+xml;v=1', 'xml'],
    ['application/json; charset=utf-16', undefined],
    ['text/html', undefined],
    ['application/jsonp', undefined],
    [undefined, undefined],
  ])('with the type %s has the format %s', (type, format) => {
    expect(documentFormat(type)).toBe(format);
  });

  test('keeps all bytes but those of the origins of its links', () => {
    const { replaced } = rewritingFor('http', 'own.example');
    const rewrite = (body: Buffer, format: 'json' | 'xml'): Buffer | undefined =>
      rewriteBody(body, format, linkNames.discovery, replaced);
    const around = [
      Buffer.from('\ufeff{"a":"\u{1F600}'),
      Buffer.from([0xff, 0xe9]),
      Buffer.from('","href":"'),
    ];
    const body = Buffer.concat([...around, Buffer.from('https:\\/\\/pool.example\\/\u00fc"}')]);
    const expected = Buffer.concat([...around, Buffer.from('http:\\/\\/own.example\\/\u00fc"}')]);
    expect(rewrite(body, 'json')?.equals(expected)).toBe(true);
    const other = Buffer.from('{"href":"/a"}');
    expect(rewrite(other, 'json')).toBe(other);
    expect(rewrite(Buffer.from('{'), 'json')).toBeUndefined();
    const xml = (encoding: string): Buffer =>
      Buffer.from(
        `\ufeff<?xml version="1.0" encoding='${encoding}'?><a href="https://pool.example/"/>`,
      );
    expect(rewrite(xml('UTF-8'), 'xml')?.toString()).toContain('href="http://own.example/"');
    expect(rewrite(xml('utf-7'), 'xml')).toBeUndefined();
  });

  test('that is rewritten has fields that fit its bytes', () => {
    const original = [
      'ETag',
      '"a"',
      'content-length',
      '9',
      'Digest',
      'b',
      'X-A',
      'c',
      'cache-control',
      'public',
    ];
    expect(rewrittenHead(original, 7)).toEqual([
      'ETag',
      'W/"a"',
      'X-A',
      'c',
      'Content-Length',
      '7',
      'Cache-Control',
      'private',
    ]);
    expect(rewrittenHead(['ETag', 'W/"a"'], undefined)).toEqual([
      'ETag',
      'W/"a"',
      'Cache-Control',
      'private',
    ]);
    const stored = ['Cache-Control', 'public', 'Cache-Control', 'no-store'];
    expect(notShared(stored)).toBe(stored);
  });
});
