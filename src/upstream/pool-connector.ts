import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

/** Files of a TLS pool, and the name to ask for; verification is always on. */
export interface PoolTls {
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  readonly servername?: string | undefined;
}

/**
 * Opens connections to the pool, each under the files that are in force at that moment. A new
 * connector also forgets the sessions of the old one, which would be resumed unverified.
 *
 * @param tls gives the same object until other files are in force
 */
export function poolConnector(timeoutMs: number, tls: () => PoolTls): buildConnector.connector {
  const build = ({ ca, cert, key }: PoolTls): buildConnector.connector =>
    buildConnector({
      timeout: timeoutMs,
      allowH2: false,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
  let files = tls();
  let connect = build(files);
  return (options, callback) => {
    const current = tls();
    if (current !== files) {
      files = current;
      connect = build(files);
    }
    // undici asks for the host of the request, unless it is told here.
    const { servername = options.servername } = files;
    connect(
      servername === undefined ? options : { ...options, servername },
      // One of the two is null.
      (...[error, socket]: Parameters<buildConnector.Callback>) => {
        if (error === null) callback(null, disguiseResets(socket));
        else callback(error, null);
      },
    );
  };
}

/**
 * Where a connection is reset behind an answer that closes it undici looks whether the answer was whole
 * by then, and throws where nobody can catch it when that answer is paused. A reset is no end here.
 */
function disguiseResets<S extends Socket>(socket: S): S {
  // Before undici's own listener.
  socket.prependListener('error', (error: Error & { code?: string }) => {
    if (error.code === 'ECONNRESET') error.code = 'ECONNABORTED';
  });
  return socket;
}
