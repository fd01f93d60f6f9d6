/** Creates the server of node:http or node:https with the limits of the proxy. */
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { SecureContext } from 'node:tls';
import type { CertificatePair } from './certificates.ts';
import { alpnProtocols } from './http2/choose-protocol.ts';
import { maxHeadBytes } from './unfinished-heads.ts';

interface ServerParts {
  readonly headersTimeoutMs: number;
  readonly maxConnections: number;
  readonly tls?: CertificatePair | undefined;
  readonly http2?: boolean | undefined;
  /** Returns the certificate for a name; `undefined` for the main one. */
  readonly findCertificate: (name: string) => SecureContext | undefined;
}

/** The oldest version of TLS. */
export const minVersion = 'TLSv1.2';
/** Interval of Node's checks for slow requests. It is short, so that each check answers only a few clients. */
const connectionsCheckingIntervalMs = 100;
/** Limit for the fields of a head in memory. Many short fields take much more memory than their bytes. */
const maxFieldsRead = 128;

export function createClientServer(parts: ServerParts): Server {
  const { headersTimeoutMs, tls } = parts;
  const http = {
    // `Connections.closeIdle` closes idle connections.
    keepAliveTimeout: 0,
    headersTimeout: headersTimeoutMs,
    // `StoppedBodies` has the timeout of bodies. Node's timeout counts the whole request.
    requestTimeout: 0,
    connectionsCheckingInterval: connectionsCheckingIntervalMs,
    maxHeaderSize: maxHeadBytes,
    // The request handler refuses requests without `Host`.
    requireHostHeader: false,
  };
  const server =
    tls === undefined
      ? createServer(http)
      : createSecureServer({
          ...http,
          ...{ cert: tls.cert, key: tls.key, minVersion },
          handshakeTimeout: headersTimeoutMs,
          ...(parts.http2 === true && { ALPNProtocols: alpnProtocols }),
          SNICallback: (name, found) => found(null, parts.findCertificate(name)),
        });
  server.maxConnections = parts.maxConnections;
  // Node silently drops fields above this count. The request handler refuses a head with more than 100 fields.
  server.maxHeadersCount = maxFieldsRead;
  return server;
}
