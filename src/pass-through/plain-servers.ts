/** Spreads client connections over the plain servers of the pool. All requests of a connection use one server. */
import type { Socket } from 'node:net';
import type { PassThrough } from './pass-through.ts';

/** @param servers at least one */
export function spreadConnections(servers: readonly PassThrough[]): PassThrough {
  const byClient = new WeakMap<Socket, PassThrough>();
  let next = 0;
  const serverOf = (client: Socket): PassThrough => {
    const known = byClient.get(client);
    if (known !== undefined) return known;
    const server = servers[next % servers.length] as PassThrough;
    next += 1;
    byClient.set(client, server);
    return server;
  };
  const sum = (count: (server: PassThrough) => number): number =>
    servers.reduce((total, server) => total + count(server), 0);
  return {
    forward: (call, observer) => serverOf(call.request.socket).forward(call, observer),
    reserve: (client) => serverOf(client).reserve(client),
    onlyServer: (client) => serverOf(client).onlyServer?.(client),
    openConnections: () => sum((server) => server.openConnections()),
    boundConnections: () => sum((server) => server.boundConnections()),
    openPolls: () => sum((server) => server.openPolls()),
    endPolls(fraction, fault) {
      for (const server of servers) server.endPolls(fraction, fault);
    },
    endWaiting() {
      for (const server of servers) server.endWaiting();
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}
