import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

/** TLS files and server name (SNI) of the pool. The certificate of the pool is always verified. */
export interface PoolTls {
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  readonly servername?: string | undefined;
}

/**
 * Returns a connector that opens each connection with the current TLS files. When the files change, undici's
 * connector is built again. A new connector has no TLS sessions: a resumed session skips verification.
 *
 * @param tls returns the same object until the files change
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
    // Without a name here undici uses the host of the URL. The `Host` of a request must not choose the name.
    const { servername } = files;
    const { hostname, host, protocol, port } = options;
    const address = { hostname, protocol, port, ...(host !== undefined && { host }) };
    connect(
      servername === undefined ? address : { ...address, servername },
      // Either the error or the socket is null.
      (...[error, socket]: Parameters<buildConnector.Callback>) => {
        if (error === null) callback(null, disguiseResets(socket));
        else callback(error, null);
      },
    );
  };
}

/**
 * Changes the code of connection resets, so that undici treats a reset as a failure and not as the end of an
 * answer. For a paused answer that ends with its connection, undici's handling of `ECONNRESET` throws an
 * exception that no caller can catch.
 */
function disguiseResets<S extends Socket>(socket: S): S {
  // This listener runs before the listener of undici.
  socket.prependListener('error', (error: Error & { code?: string }) => {
    if (error.code === 'ECONNRESET') error.code = 'ECONNABORTED';
  });
  return socket;
}
