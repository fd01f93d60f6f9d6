import https from 'node:https';
import { createSecureContext, type SecureContext } from 'node:tls';

/** TLS files and server name (SNI) of the pool. The certificate of the pool is always verified. */
export interface UpstreamTls {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly servername?: string | undefined;
}

const noTls: UpstreamTls = {};

/**
 * Returns an agent that opens each connection with the current TLS files.
 *
 * @param tls returns the same object until the files change
 */
export function createSecureAgent(
  options: https.AgentOptions,
  tls: () => UpstreamTls = () => noTls,
): https.Agent {
  let files = tls();
  let renewed: { secureContext: SecureContext; session: undefined } | undefined;
  const agent = new https.Agent({
    ...options,
    ...(files.servername !== undefined && { servername: files.servername }),
    // Created once. Otherwise each connection would parse the files again.
    secureContext: contextOf(files),
    rejectUnauthorized: true,
  });
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (connectOptions, callback) => {
    const current = tls();
    if (current !== files) {
      files = current;
      // A resumed old session would skip the verification against the new CA.
      renewed = { secureContext: contextOf(files), session: undefined };
    }
    return connect({ ...connectOptions, ...renewed }, callback);
  };
  return agent;
}

function contextOf({ ca, cert, key }: UpstreamTls): SecureContext {
  return createSecureContext({ ca, cert, key });
}
