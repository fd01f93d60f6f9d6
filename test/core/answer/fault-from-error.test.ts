import { expect, test } from '@jest/globals';
import { faultOf, nameFault, OddAnswer } from '../../../src/core/answer/fault-from-error.ts';

test.each([
  ['ENOTFOUND', 'getaddrinfo', 'dns_error'],
  ['EAI_AGAIN', 'getaddrinfo', 'dns_error'],
  ['ECONNREFUSED', 'connect', 'connection_refused'],
  ['ETIMEDOUT', 'connect', 'connection_timeout'],
  ['ECONNRESET', 'connect', 'connection_terminated'],
  ['EHOSTUNREACH', 'connect', 'destination_unavailable'],
  ['EMFILE', 'connect', 'destination_unavailable'],
])('%s of %s before the request was sent is named %s', (code, syscall, name) => {
  const error = Object.assign(new Error('no connection'), { code, syscall });
  expect(nameFault(error, false, false)).toBe(name);
});

test.each([
  ['ECONNRESET', 'connection_terminated'],
  ['EPIPE', 'connection_terminated'],
  ['ETIMEDOUT', 'connection_terminated'],
  ['HPE_INVALID_CONSTANT', 'http_protocol_error'],
  ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'tls_protocol_error'],
])('%s after the request was sent is named %s', (code, name) => {
  const error = Object.assign(new Error('no answer'), { code });
  expect(nameFault(error, false, true)).toBe(name);
});

test.each<[string, string, boolean, string]>([
  ['a known code', 'UND_ERR_HEADERS_TIMEOUT', false, 'http_response_timeout'],
  ['a code of an unknown certificate', 'SELF_SIGNED_CERT_IN_CHAIN', false, 'tls_certificate_error'],
  ['a TLS alert', 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', false, 'tls_alert_received'],
  ['another code of TLS', 'EPROTO', false, 'tls_protocol_error'],
  ['a code of the parser', 'HPE_INVALID_STATUS', false, 'http_protocol_error'],
  ['an unknown code before an answer', 'ECONNRESET', false, 'connection_terminated'],
  ['an unknown code within an answer', 'ECONNRESET', true, 'http_response_incomplete'],
])('an error of undici with %s (%s, answer begun: %s) is named %s', (_, code, answered, name) => {
  const error = Object.assign(new Error('failed'), { code });
  expect(faultOf(error, 'unknown', answered)).toEqual({ phase: 'unknown', name });
});

test('an error for several addresses of a name is named after the first address', () => {
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const error = Object.assign(new Error('all failed'), { errors: [refused, new Error('other')] });
  expect(faultOf(error, 'unsent', false)).toEqual({ phase: 'unsent', name: 'connection_refused' });
});

test('an answer that undici cannot read is an error of the protocol, and a thrown text is not', () => {
  const parser = Object.assign(new Error('no token'), { name: 'HTTPParserError' });
  for (const error of [parser, new Error('bad response'), new OddAnswer('two readings')]) {
    expect(faultOf(error, 'unknown', false).name).toBe('http_protocol_error');
  }
  expect(faultOf('text', 'unknown', false).name).toBe('connection_terminated');
  expect(faultOf({ errors: [] }, 'unknown', false).name).toBe('connection_terminated');
});
