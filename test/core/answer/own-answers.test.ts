import { describe, expect, test } from '@jest/globals';
import type { Fault } from '../../../src/core/messages/fault.ts';
import {
  answerForFault,
  answerForRefusal,
  answerForUnsent,
} from '../../../src/core/answer/own-answers.ts';
import type { Reply } from '../../../src/core/messages/reply.ts';
import { headerValue } from '../../../src/core/messages/http-message.ts';
import { acceptsOnlyXml } from '../../../src/core/admit/request-head.ts';

const unsent: Fault = { phase: 'unsent', name: 'connection_refused' };
const unknown: Fault = { phase: 'unknown', name: 'http_response_timeout' };

function body(reply: Reply): unknown {
  return JSON.parse(reply.body.toString());
}

describe("the proxy's own responses", () => {
  test('503 with Retry-After: the call did not run', () => {
    const reply = answerForFault(unsent, false);
    expect(reply.status).toBe(503);
    expect(headerValue(reply.headers, 'retry-after')).toBe('1');
    expect(headerValue(reply.headers, 'proxy-status')).toBe(
      'ucwa-batch-proxy; error=connection_refused',
    );
    expect(body(reply)).toMatchObject({ status: 503, executed: 'no' });
  });

  test('504 without Retry-After: the call may have run', () => {
    const reply = answerForFault(unknown, false);
    expect(reply.status).toBe(504);
    expect(headerValue(reply.headers, 'retry-after')).toBeUndefined();
    expect(body(reply)).toMatchObject({ status: 504, executed: 'unknown' });
  });

  test('500: a bug of the proxy', () => {
    const reply = answerForFault({ phase: 'unsent', name: 'proxy_internal_error' }, false);
    expect(reply.status).toBe(500);
    expect(body(reply)).toMatchObject({ executed: 'no' });
  });

  test('503 with executed: no for a call that was never sent', () => {
    expect(answerForUnsent(false).status).toBe(503);
    expect(body(answerForUnsent(false))).toMatchObject({ executed: 'no' });
  });

  test('429 and 503 for a full queue have Retry-After, and a 400 has none', () => {
    for (const status of [429, 503]) {
      const reply = answerForRefusal(status, 'user_queue_calls', false);
      expect(reply.status).toBe(status);
      expect(headerValue(reply.headers, 'retry-after')).toBe('1');
    }
    expect(
      headerValue(answerForRefusal(400, 'host', false).headers, 'retry-after'),
    ).toBeUndefined();
  });

  test.each([unsent, unknown])('are not cached, and have no media type of UCWA: %p', (fault) => {
    for (const onlyXml of [false, true]) {
      const { headers } = answerForFault(fault, onlyXml);
      expect(headerValue(headers, 'cache-control')).toBe('no-store');
      expect(headerValue(headers, 'content-type')).toBe(
        onlyXml ? 'application/problem+xml' : 'application/problem+json',
      );
    }
  });

  test('are XML for a caller that accepts only XML', () => {
    expect(answerForFault(unsent, true).body.toString()).toBe(
      '<?xml version="1.0" encoding="utf-8"?><problem xmlns="urn:ietf:rfc:7807">' +
        '<type>urn:ucwa-batch-proxy:problem:connection-refused</type>' +
        '<title>The pool refused the connection</title><status>503</status>' +
        '<executed>no</executed></problem>',
    );
  });

  test.each([
    ['application/xml', true],
    ['application/vnd.microsoft.com.ucwa+xml', true],
    ['application/xml, application/json;q=0.5', false],
    ['*/*', false],
    ['text/html', false],
    [undefined, false],
  ])('a caller with Accept: %s wants XML only: %s', (accept, expected) => {
    expect(acceptsOnlyXml(accept)).toBe(expected);
  });
});
