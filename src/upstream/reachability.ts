/**
 * Opens a connection to one server of a pool, with TLS for https, and closes it again. It sends no request. The
 * certificate is verified like those of other connections. No TLS session is resumed, because that would skip the
 * verification.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import { faultOf } from '../core/answer/fault-from-error.ts';
import type { FaultName } from '../core/messages/fault.ts';
import type { PoolTls } from './pool-connector.ts';

export interface ServerCheck {
  /** Why no connection opened. */
  readonly failure?: { readonly name: FaultName; readonly code: string | undefined };
  /** End of the validity of the server's certificate, in ms since 1970. */
  readonly certificateEndsAtMs?: number;
}

export interface RunningCheck {
  readonly result: Promise<ServerCheck>;
  /** Ends the check. The result is then a failure without meaning. */
  end(): void;
}

/** @param limitMs limit from the start of name resolution to the end of the TLS handshake */
export function checkServer(origin: string, limitMs: number, tls: PoolTls): RunningCheck {
  const url = new URL(origin);
  const isSecure = url.protocol === 'https:';
  const socket = isSecure ? openTls(url, tls) : openPlain(url);
  const result = new Promise<ServerCheck>((resolve) => {
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error('connect timeout'), { code: 'ETIMEDOUT' }));
    }, limitMs);
    let failure: Error | undefined;
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      resolve(socket instanceof TLSSocket ? certificateOf(socket) : {});
      socket.destroy();
    });
    socket.on('error', (error: Error) => {
      failure ??= error;
    });
    socket.once('close', () => {
      clearTimeout(timer);
      resolve({ failure: failureOf(failure ?? new Error('closed')) });
    });
  });
  return { result, end: () => void socket.destroy() };
}

function openPlain(url: URL): Socket {
  return connectPlain({ host: hostOf(url), port: Number(url.port || 80) });
}

function openTls(url: URL, { ca, cert, key, servername }: PoolTls): TLSSocket {
  const host = hostOf(url);
  return connectTls({
    host,
    port: Number(url.port || 443),
    servername: servername ?? (isIP(host) === 0 ? host : ''),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    ca,
    cert,
    key,
  });
}

/** The host, without the brackets of an IPv6 address. */
function hostOf(url: URL): string {
  return urlToHttpOptions(url).hostname ?? '';
}

function certificateOf(socket: TLSSocket): ServerCheck {
  const endsAtMs = Date.parse(socket.getPeerX509Certificate()?.validTo ?? '');
  return Number.isNaN(endsAtMs) ? {} : { certificateEndsAtMs: endsAtMs };
}

function failureOf(error: Error): NonNullable<ServerCheck['failure']> {
  const { name } = faultOf(error, 'unsent', false);
  return { name, code: codeOf(error) };
}

/** Returns the code of the error. If several addresses of a name failed, that of the first one. */
function codeOf(error: Error): string | undefined {
  const [first = error] = error instanceof AggregateError ? (error.errors as Error[]) : [];
  const { code } = first as NodeJS.ErrnoException;
  return code;
}
