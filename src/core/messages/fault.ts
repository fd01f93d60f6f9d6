/**
 * Faults between the proxy and the pool. Their names are error types of RFC 9209 section 2.3. Their phase says
 * whether the pool may have executed the request, because callers need to know.
 */

/**
 * - `unsent`: the request did not run. No byte of it was sent, or the pool refused to run it.
 * - `unknown`: the request was sent, and no reliable response came. The request may have run.
 */
export type FaultPhase = 'unsent' | 'unknown';

/** The error types of RFC 9209 that the proxy sends in `Proxy-Status`. */
export type FaultName =
  | 'dns_error'
  | 'dns_timeout'
  | 'connection_refused'
  | 'connection_terminated'
  | 'connection_timeout'
  | 'connection_limit_reached'
  | 'destination_unavailable'
  | 'tls_certificate_error'
  | 'tls_protocol_error'
  | 'tls_alert_received'
  | 'http_response_incomplete'
  | 'http_response_body_size'
  | 'http_response_content_coding'
  | 'http_response_timeout'
  | 'http_protocol_error'
  | 'proxy_internal_error';

/** A failed request to the pool. */
export interface Fault {
  readonly phase: FaultPhase;
  readonly name: FaultName;
}

/**
 * Why a call got no response from the pool:
 * - a fault: its request failed.
 * - `never-sent`: the call waited until its deadline, or until the end of the shutdown, and was not sent.
 * - `late`: the call was sent, and no response came before its deadline.
 */
export type Failure = Fault | 'never-sent' | 'late';

/** The failure of a request or of one part. `answer/retry-table.ts` describes each of them. */
export type FailureCause =
  | 'refused'
  | 'refused_part'
  | 'no_batch'
  | 'request_too_large'
  | 'not_read'
  | 'doubted'
  | 'server_error'
  | 'not_understood'
  | 'malformed_part'
  | 'miscounted'
  | 'broken_off'
  | 'answer_too_large'
  | 'connection'
  | 'tls'
  | 'own_mistake';
