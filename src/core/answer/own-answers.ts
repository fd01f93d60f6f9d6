/**
 * The proxy's own responses. 503 with `Retry-After` means: the call did not run; retry it. 504 means: the call
 * may have run. 500 means: a bug of the proxy. The proxy never sends 401, 403, 404, 410 or 502 itself. On
 * these, UCWA clients sign in again, create a new application, or look for another pool.
 *
 * The media type is `application/problem+json` (RFC 9457), because UCWA clients recognize UCWA's own errors by
 * `application/json`. The body never repeats data of the request.
 */
import type { RefusalReason } from '../admit/admit.ts';
import type { Fault, FaultName, FaultPhase } from '../messages/fault.ts';
import type { Reply } from '../messages/reply.ts';

/** Whether the pool executed the call; a field of the body. */
type Executed = 'no' | 'unknown';

interface OwnAnswer {
  readonly status: number;
  /** The last segment of the problem type, which is a URN. */
  readonly type: string;
  readonly title: string;
  readonly executed: Executed;
  /** The error type in `Proxy-Status` (RFC 9209 section 2.3). */
  readonly error: FaultName | 'http_request_error' | 'proxy_internal_response';
  readonly retryAfterSeconds?: number;
  /** See `Reply.cause`. */
  readonly cause: string;
}

const retrySoonSeconds = 1;

const titles: Record<FaultName, string> = {
  dns_error: 'The name of the pool was not found',
  dns_timeout: 'Looking up the name of the pool took too long',
  connection_refused: 'The pool refused the connection',
  connection_terminated: 'The pool closed the connection before it answered',
  connection_timeout: 'Connecting to the pool took too long',
  connection_limit_reached: 'Too many calls are waiting',
  destination_unavailable: 'The pool is not available',
  tls_certificate_error: 'The certificate of the pool was not accepted',
  tls_protocol_error: 'No secure connection to the pool could be made',
  tls_alert_received: 'The pool refused the secure connection',
  http_response_incomplete: 'The answer of the pool broke off',
  http_response_body_size: 'The answer of the pool is too large',
  http_response_content_coding: 'The answer of the pool has a coding that was not asked for',
  http_response_timeout: 'The pool did not answer in time',
  http_protocol_error: 'The answer of the pool was not understood',
  proxy_internal_error: 'The proxy failed',
};

const refusalTitles: Record<number, string> = {
  400: 'The request is malformed',
  408: 'The request did not arrive in time',
  417: 'The expectation cannot be met',
  421: 'The request names another host',
  429: 'Too many calls of this user are waiting',
  431: 'The head of the request is too large',
  501: 'The request asks for something that is not supported',
  503: 'The proxy is busy or shutting down',
};

/** Titles for reasons that need a more specific text than their status. */
const titlesOfReasons: Partial<Record<RefusalReason, string>> = {
  connection_auth:
    'Sign-in by NTLM, Negotiate or an unknown scheme is not passed on: either ' +
    'upstream.connectionAuth is refuse, or the request came through another proxy',
  bound_connections:
    'All connections that belong to one client each are in use: see upstream.maxBoundConnections',
  unknown_host: 'The request names a host of no pool: see pools[].hosts',
  newcomers: 'Too many calls of new users come from this address',
};

/**
 * Returns the response to a call after its request failed: 500 for a bug of the proxy, 503 if the call did not
 * run, else 504.
 *
 * @param onlyXml whether the body is XML, see `acceptsOnlyXml`
 */
export function answerForFault(fault: Fault, onlyXml: boolean): Reply {
  const { name } = fault;
  const common = { type: name.replaceAll('_', '-'), title: titles[name], error: name, cause: name };
  if (fault.name === 'proxy_internal_error') {
    return encode({ ...common, status: 500, executed: executedBy(fault.phase) }, onlyXml);
  }
  return fault.phase === 'unsent'
    ? encode(
        { ...common, status: 503, executed: 'no', retryAfterSeconds: retrySoonSeconds },
        onlyXml,
      )
    : encode({ ...common, status: 504, executed: 'unknown' }, onlyXml);
}

function executedBy(phase: FaultPhase): Executed {
  return phase === 'unsent' ? 'no' : 'unknown';
}

/**
 * Returns the response to a refused request. 429 and 503 ask the caller to retry after a second.
 *
 * @param phase `unknown` if a part of the request can have reached the pool
 */
export function answerForRefusal(
  status: number,
  reason: RefusalReason,
  onlyXml: boolean,
  phase: FaultPhase = 'unsent',
): Reply {
  return encode(
    {
      status,
      type: `refused-${reason.replaceAll('_', '-')}`,
      title: titlesOfReasons[reason] ?? refusalTitles[status] ?? 'The request was refused',
      executed: executedBy(phase),
      error: status === 503 || status === 429 ? 'connection_limit_reached' : 'http_request_error',
      cause: reason,
      ...(status === 503 || status === 429 ? { retryAfterSeconds: retrySoonSeconds } : {}),
    },
    onlyXml,
  );
}

/**
 * Returns the response to a call that waited until its deadline, or until the end of the shutdown, and was not
 * sent.
 */
export function answerForUnsent(onlyXml: boolean): Reply {
  return encode(
    {
      status: 503,
      type: 'never-sent',
      title: 'The call waited too long and was not sent',
      executed: 'no',
      error: 'proxy_internal_response',
      cause: 'never_sent',
      retryAfterSeconds: retrySoonSeconds,
    },
    onlyXml,
  );
}

function encode(answer: OwnAnswer, onlyXml: boolean): Reply {
  const type = `urn:ucwa-batch-proxy:problem:${answer.type}`;
  const body = onlyXml
    ? '<?xml version="1.0" encoding="utf-8"?>' +
      `<problem xmlns="urn:ietf:rfc:7807"><type>${type}</type><title>${answer.title}</title>` +
      `<status>${answer.status}</status><executed>${answer.executed}</executed></problem>`
    : JSON.stringify({
        type,
        title: answer.title,
        status: answer.status,
        executed: answer.executed,
      });
  const headers = [
    'Content-Type',
    onlyXml ? 'application/problem+xml' : 'application/problem+json',
  ];
  headers.push('Cache-Control', 'no-store');
  headers.push('X-Content-Type-Options', 'nosniff');
  headers.push('Proxy-Status', proxyStatus(answer));
  if (answer.retryAfterSeconds !== undefined) {
    headers.push('Retry-After', String(answer.retryAfterSeconds));
  }
  const { status, cause } = answer;
  return { status, reason: '', headers, body: Buffer.from(body), cause };
}

/** `details` names the limit of the proxy, or what the client did. */
function proxyStatus({ error, cause }: OwnAnswer): string {
  const details = cause === error ? '' : `; details="${cause}"`;
  return `ucwa-batch-proxy; error=${error}${details}`;
}
