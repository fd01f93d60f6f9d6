/** Sends batches and single requests to a pool of several servers. Each server has its own connections. */
import type { Server } from '../../core/servers/server.ts';
import { OwnerSlots } from '../../core/structures/owner-slots.ts';
import { ConnectionRoom } from '../connection-room.ts';
import type { Upstream } from '../exchange.ts';
import type { PoolClients } from '../pool-clients.ts';
import { createClients, UndiciExchange, type UpstreamOptions } from '../undici-upstream.ts';
import { MovingExchange, type MovingExchangeParts } from './moving-exchange.ts';
import type { PoolServers } from './pool-servers.ts';

export function createServersUpstream(
  options: Omit<UpstreamOptions, 'url'>,
  { set, moves, onEjected }: PoolServers,
): Upstream {
  const { observer, maxConnections } = options;
  const room = new ConnectionRoom(maxConnections);
  const clients = new Map<Server, PoolClients>(
    set.servers.map((server) => [
      server,
      createClients({ ...options, url: new URL(server.origin) }, room),
    ]),
  );
  const closeIdle = (server: Server): void => clients.get(server)?.closeIdle();
  onEjected.push(closeIdle);
  const parts: MovingExchangeParts = {
    set,
    slots: new OwnerSlots(maxConnections),
    budget: moves,
    isStopped: false,
    closeIdle,
    send: (server, request, handler) =>
      new UndiciExchange(
        clients.get(server) as PoolClients,
        new URL(server.origin).hostname,
        request,
        handler,
        observer,
      ),
  };
  return {
    send: (request, handler) => new MovingExchange(parts, request, handler),
    connections: () => [...clients.values()].reduce((sum, { connected }) => sum + connected, 0),
    async stop() {
      parts.isStopped = true;
      await Promise.all(Array.from(clients.values(), (own) => own.stop()));
    },
  };
}
