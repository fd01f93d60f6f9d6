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
    connect(servername === undefined ? options : { ...options, servername }, callback);
  };
}
