import type { Fault, FaultName, FaultPhase } from '../messages/fault.ts';

/** What came is no answer that has one meaning. */
export class OddAnswer extends Error {
  readonly code = 'UCWA_ODD_ANSWER';
}

/** Codes of Node, undici and ours, in the words of RFC 9209 section 2.3. */
const names: Readonly<Record<string, FaultName>> = {
  ENOTFOUND: 'dns_error',
  EAI_AGAIN: 'dns_error',
  EAI_FAIL: 'dns_error',
  EAI_NODATA: 'dns_error',
  ECONNREFUSED: 'connection_refused',
  ETIMEDOUT: 'connection_timeout',
  EHOSTUNREACH: 'destination_unavailable',
  ENETUNREACH: 'destination_unavailable',
  UND_ERR_CONNECT_TIMEOUT: 'connection_timeout',
  UND_ERR_HEADERS_TIMEOUT: 'http_response_timeout',
  UND_ERR_BODY_TIMEOUT: 'http_response_timeout',
  UND_ERR_HEADERS_OVERFLOW: 'http_protocol_error',
  UCWA_ODD_ANSWER: 'http_protocol_error',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'http_response_incomplete',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'http_response_body_size',
};

const certificateCode =
  /^(?:ERR_TLS_CERT|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|HOSTNAME_MISMATCH)/;

/**
 * What an error means. The phase decides whether the request can have run, never the code: the same
 * `ECONNRESET` comes before and after a request was written.
 */
export function faultOf(error: unknown, phase: FaultPhase, answered: boolean): Fault {
  const code = codeOf(error);
  const known = names[code];
  if (known !== undefined) return { phase, name: known };
  if (certificateCode.test(code)) return { phase, name: 'tls_certificate_error' };
  if (code.includes('ALERT')) return { phase, name: 'tls_alert_received' };
  if (/^(?:ERR_SSL|ERR_TLS|EPROTO)/.test(code)) return { phase, name: 'tls_protocol_error' };
  if (code.startsWith('HPE_') || isParserError(error))
    return { phase, name: 'http_protocol_error' };
  return { phase, name: answered ? 'http_response_incomplete' : 'connection_terminated' };
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  // A name with several addresses: one error for each that was tried (happy eyeballs).
  if ('errors' in error && Array.isArray(error.errors)) return codeOf(error.errors[0]);
  return '';
}

/** `bad …`: a 100 that nobody asked for, another protocol, or a message where none can be. */
function isParserError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'HTTPParserError' || /^bad (?:response|upgrade)$/.test(error.message);
}

/**
 * The RFC 9209 name of what Node reported for a request without an answer. The name says what to
 * look for; whether the request was sent is decided by phase, since codes such as ECONNRESET occur
 * in every phase.
 */
export function nameFault(
  error: Error & { code?: string; syscall?: string },
  certificateRefused: boolean,
  mayHaveSent: boolean,
): FaultName {
  const code = error.code ?? '';
  if (certificateRefused) return 'tls_certificate_error';
  if (code.startsWith('HPE_')) return 'http_protocol_error';
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    return error.message.includes(' alert ') ? 'tls_alert_received' : 'tls_protocol_error';
  }
  if (mayHaveSent) return 'connection_terminated';
  if (error.syscall === 'getaddrinfo') return 'dns_error';
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection_refused';
    case 'ETIMEDOUT':
      return 'connection_timeout';
    case 'ECONNRESET':
      return 'connection_terminated';
    default:
      return 'destination_unavailable';
  }
}
