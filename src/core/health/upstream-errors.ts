/** The kinds of failures between the proxy and the pool, and what an operator can do about each. */
import type { FaultName } from '../messages/fault.ts';

/** Label values of `ucwa_proxy_upstream_errors_total`: error types of RFC 9209, as in `Proxy-Status`. */
export const upstreamErrorKinds = [
  'dns_error',
  'connection_refused',
  'connection_terminated',
  'connection_timeout',
  'destination_unavailable',
  'tls_certificate_error',
  'tls_protocol_error',
  'tls_alert_received',
  'http_response_incomplete',
  'http_response_timeout',
  'http_protocol_error',
] as const satisfies readonly FaultName[];

export type UpstreamErrorKind = (typeof upstreamErrorKinds)[number];

const kinds: ReadonlySet<string> = new Set(upstreamErrorKinds);

/** Returns `undefined` for a fault that the pool did not cause. */
export function upstreamErrorKind(name: FaultName): UpstreamErrorKind | undefined {
  return kinds.has(name) ? (name as UpstreamErrorKind) : undefined;
}

/** Whether a failure of this kind is one of opening a connection. A check of the pool then shows the recovery. */
export function isConnectionKind(kind: UpstreamErrorKind): boolean {
  return !kind.startsWith('http_') && kind !== 'connection_terminated';
}

/** What to do about the first failure of each kind. For the log. */
export const advice: Readonly<Record<UpstreamErrorKind, string>> = {
  dns_error:
    'the name of the pool has no address: check upstream.url or pools[].servers, and the DNS',
  connection_refused:
    'nothing accepts connections at this address: check the port, and whether the pool runs',
  connection_terminated:
    'connections end before an answer: check the pool, and whether it closes idle connections before upstream.idleTimeoutMs',
  connection_timeout:
    'no connection opens in time: check the address, firewalls and network policies, and upstream.connectTimeoutMs',
  destination_unavailable: 'no route leads to this address: check the address and the network',
  tls_certificate_error:
    'the certificate of the pool cannot be trusted: check its names and its expiry, and ca and servername in the tls settings of the pool',
  tls_protocol_error:
    'the pool speaks no TLS here, or none from TLS 1.2: check whether its address begins with http or https',
  tls_alert_received:
    'the pool refuses the TLS connection: check cert and key in the tls settings of the pool',
  http_response_incomplete:
    'answers end too early: check the pool, and devices between it and the proxy',
  http_response_timeout:
    'the pool takes requests and does not answer in time: check its load, and upstream.timeoutMs',
  http_protocol_error:
    'answers are no valid HTTP: check whether the address is that of the pool, and devices on the way',
};
