import type { Fault, FaultName, FaultPhase } from '../messages/fault.ts';

/** A response that can be read in more than one way, see `odd-heads.ts`. */
export class OddAnswer extends Error {
  readonly code = 'UCWA_ODD_ANSWER';
}

/** Error types of RFC 9209 section 2.3, by error code. Only `faultOf` uses them. */
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
 * Returns the fault for an error of undici (batches and single calls). The error code cannot tell whether the
 * request ran: `ECONNRESET` occurs both before and after undici writes a request. The caller passes the phase
 * instead.
 *
 * @param answered whether a response had begun to arrive
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
  // Node tries several addresses of a name (RFC 8305), and reports one error for each address.
  if ('errors' in error && Array.isArray(error.errors)) return codeOf(error.errors[0]);
  return '';
}

/**
 * Whether undici could not read a response. undici reports an unexpected 100, 101 or message as `bad response` or
 * `bad upgrade`.
 */
function isParserError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'HTTPParserError' || /^bad (?:response|upgrade)$/.test(error.message);
}

/**
 * Returns the RFC 9209 error type for an error of `node:http` or `node:tls` on a pass-through request without a
 * response.
 *
 * @param certificateRefused whether the proxy refused the certificate of the pool
 * @param mayHaveSent whether a byte of the request may have been sent
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
