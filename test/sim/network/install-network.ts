/** Replaces the servers and the connections of `node:net` in this process by those of a network in memory. */
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import net, { type Server } from 'node:net';
import type { ConnectOptions, MemoryNetwork } from './memory-network.ts';
import type { MemorySocket } from './memory-socket.ts';

export function installNetwork(network: MemoryNetwork): void {
  const connect = (
    first: ConnectOptions | number,
    second?: string | (() => void),
    third?: () => void,
  ): MemorySocket => {
    const options = typeof first === 'object' ? first : { port: first };
    const listener = typeof second === 'function' ? second : third;
    const socket = network.connect(options);
    if (listener !== undefined) socket.once('connect', listener);
    return socket;
  };
  Object.assign(net, { connect, createConnection: connect });
  Object.assign(http.Agent.prototype, { createConnection: connect });
  const { prototype } = net.Server;
  Object.assign(prototype, {
    listen(this: Server, port: number, _host: string, listening?: () => void): Server {
      network.listen(this, port, listening);
      return this;
    },
    address(this: Server) {
      const port = network.portOf(this);
      return port === undefined ? null : { port, address: '127.0.0.1', family: 'IPv4' };
    },
    close(this: Server, done?: (error?: Error) => void): Server {
      network.close(this, done);
      return this;
    },
  });
  Object.defineProperty(prototype, 'listening', {
    configurable: true,
    get(this: Server) {
      return network.portOf(this) !== undefined;
    },
  });
  orderConnections();
  syncBuiltinESMExports();
}

interface ConnectionsList {
  all(): Array<{ readonly socket: MemorySocket }>;
  idle(): Array<{ readonly socket: MemorySocket }>;
  expired(): unknown[];
}

/**
 * Node lists the connections of a server by real time and by address in memory. The simulation needs them in the order
 * in which they opened. Node also ends slow heads by real time, so the simulation leaves that out.
 */
function orderConnections(): void {
  const server = http.createServer();
  // Node creates the list when the server listens.
  server.emit('listening');
  const name = Object.getOwnPropertySymbols(server).find(
    ({ description }) => description === 'http.server.connections',
  );
  if (name === undefined) throw new Error('this version of Node has no list of connections');
  const list = (server as unknown as Record<symbol, ConnectionsList>)[name];
  const prototype = Object.getPrototypeOf(list) as ConnectionsList;
  for (const method of ['all', 'idle'] as const) {
    const ask = Object.getOwnPropertyDescriptor(prototype, method)?.value as ConnectionsList['all'];
    prototype[method] = function (this: ConnectionsList) {
      return ask.call(this).sort((one, other) => one.socket.order - other.socket.order);
    };
  }
  prototype.expired = () => [];
  server.close();
}
