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
  syncBuiltinESMExports();
}
