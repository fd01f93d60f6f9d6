/** Sends batches and single requests to a pool of several servers. Each server has its own connections. */
import type { Server } from '../../core/servers/server.ts';
import { OwnerSlots } from '../../core/structures/owner-slots.ts';
import { ConnectionRoom } from '../connection-room.ts';
import type { Upstream } from '../exchange.ts';
import type { PoolClients } from '../pool-clients.ts';
import { createClients, UndiciExchange, type UpstreamOptions } from '../undici-upstream.ts';
import { MovingExchange, type MovingExchangeParts } from './moving-exchange.ts';
import type { PoolServers } from './pool-servers.ts';

/** The connections to one server. */
interface OwnClients {
  readonly clients: PoolClients;
  /** The host of the server's origin. */
  readonly host: string;
  readonly hostname: string;
}

export function createServersUpstream(
  options: Omit<UpstreamOptions, 'url'>,
  { set, moves, onEjected, onGone }: PoolServers,
): Upstream {
  const { observer, maxConnections } = options;
  const room = new ConnectionRoom(maxConnections);
  const byServer = new Map<Server, OwnClients>();
  const clientsOf = (server: Server): OwnClients => {
    const known = byServer.get(server);
    if (known !== undefined) return known;
    const url = new URL(server.origin);
    const { host, hostname } = url;
    const own = { host, hostname, clients: createClients({ ...options, url }, room) };
    byServer.set(server, own);
    // Stopped connections fail the request.
    if (parts.isStopped) void own.clients.stop();
    return own;
  };
  const all = (): PoolClients[] => Array.from(byServer.values(), ({ clients }) => clients);
  const closeIdle = (server: Server): void => byServer.get(server)?.clients.closeIdle();
  onEjected.push(closeIdle);
  onGone.push((server) => {
    const clients = byServer.get(server)?.clients;
    if (clients === undefined) return;
    byServer.delete(server);
    room.quit(clients);
    void clients.stop();
  });
  const parts: MovingExchangeParts = {
    set,
    slots: new OwnerSlots(maxConnections),
    budget: moves,
    isStopped: false,
    closeIdle,
    send(server, request, handler) {
      const own = clientsOf(server);
      return new UndiciExchange(own.clients, own, request, handler, observer);
    },
  };
  return {
    send: (request, handler) => new MovingExchange(parts, request, handler),
    connections: () => all().reduce((sum, { connected }) => sum + connected, 0),
    async stop() {
      parts.isStopped = true;
      await Promise.all(all().map((clients) => clients.stop()));
    },
  };
}
