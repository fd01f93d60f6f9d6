import { TLSSocket } from 'node:tls';
import type { Socket } from 'node:net';
import type { FaultName } from '../core/messages/fault.ts';

/**
 * The RFC 9209 name of what Node reported for a request without an answer. The name says what to
 * look for; whether the request was sent is decided by phase, since codes such as ECONNRESET occur
 * in every phase.
 */
export function nameFault(
  error: Error & { code?: string; syscall?: string },
  socket: Socket | null | undefined,
  mayHaveSent: boolean,
): FaultName {
  const code = error.code ?? '';
  // Set when the handshake went well and the certificate did not (null otherwise, whatever its type says).
  if (socket instanceof TLSSocket && (socket.authorizationError as unknown)) {
    return 'tls_certificate_error';
  }
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
