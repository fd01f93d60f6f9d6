import { expect, test } from '@jest/globals';
import { nameFault } from '../../../src/core/answer/fault-from-error.ts';

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
