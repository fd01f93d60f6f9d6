/**
 * What went wrong between us and the pool, in the words of RFC 9209 section 2.3, with the one fact
 * that callers need: whether the request can have been executed.
 */

/**
 * - `unsent`: no byte of the request left us, so it did not run.
 * - `unknown`: it left, and no trustworthy answer came.
 */
export type FaultPhase = 'unsent' | 'unknown';

/** Error types of RFC 9209 that we use in `Proxy-Status`. */
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

export interface Fault {
  readonly phase: FaultPhase;
  readonly name: FaultName;
}

/**
 * Why a call got no answer from the pool:
 * - `never-sent`: it waited until its deadline, or until the end of the shutdown.
 * - `late`: it was sent, and the answer did not come in time.
 */
export type Failure = Fault | 'never-sent' | 'late';
