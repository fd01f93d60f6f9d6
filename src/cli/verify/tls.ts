import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { urlToHttpOptions } from 'node:url';

export interface TlsFacts {
  /** Such as `TLSv1.3`. */
  readonly version?: string | undefined;
  /** End of the validity of the certificate, in ms since 1970. */
  readonly endsAtMs?: number;
  /** The reason why no verified connection opened, without words of the pool. */
  readonly problem?: string;
}

const limitMs = 10_000;

/** Opens a connection with TLS to the pool, verifies its certificate, and closes the connection. */
export function tlsFacts(pool: URL, ca: Buffer | undefined): Promise<TlsFacts> {
  const host = urlToHttpOptions(pool).hostname ?? '';
  const socket = connect({
    host,
    port: Number(pool.port || 443),
    servername: isIP(host) === 0 ? host : '',
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    ca,
    timeout: limitMs,
  });
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      resolve({ problem: `no verified connection (${error.code ?? 'unknown error'})` });
      socket.destroy();
    };
    socket.once('secureConnect', () => {
      const endsAtMs = Date.parse(socket.getPeerX509Certificate()?.validTo ?? '');
      const version = socket.getProtocol() ?? undefined;
      resolve({ version, ...(Number.isNaN(endsAtMs) ? {} : { endsAtMs }) });
      socket.destroy();
    });
    socket.once('timeout', () => fail(Object.assign(new Error(), { code: 'ETIMEDOUT' })));
    socket.on('error', fail);
  });
}
