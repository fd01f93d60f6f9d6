/** A network in memory, with servers, connections and their failures. */
import type { Server } from 'node:net';
import type { EventLog } from '../event-log.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import { withVirtualDate } from './date-header.ts';
import { Echo } from './echo.ts';
import { type DirectionPlan, type Failure, Line } from './line.ts';
import { MemorySocket } from './memory-socket.ts';

export interface ConnectionPlan {
  /** From the client to the server, and back. */
  readonly up: DirectionPlan;
  readonly down: DirectionPlan;
  /** Whether answers can come twice. */
  readonly echoes: boolean;
  readonly opensAfterMs: number;
  readonly opening: 'accepted' | 'refused' | 'reset';
}

/** The choices of a run. */
export interface NetworkPlan {
  readonly random: () => number;
  readonly log: EventLog;
  /** Returns the plan of a new connection to this port. */
  connection(port: number): ConnectionPlan;
  failed(port: number, failure: Failure | 'refused' | 'reset at accept' | 'echo'): void;
}

/** A connection as its client sees it. */
export interface Connection {
  readonly id: number;
  readonly port: number;
  isClientOpen: boolean;
  /** Whether the network has done anything to it that ends or stops it. */
  isFaulty: boolean;
  /** Bytes of the client that the server has received. */
  delivered: number;
  /** The first of these bytes. */
  beginning: string;
  /** Called after bytes of the client were delivered. */
  onDelivered: (() => void) | undefined;
  heal(): void;
}

export interface ConnectOptions {
  readonly port: number | string;
  readonly localAddress?: string;
  readonly highWaterMark?: number;
  readonly allowHalfOpen?: boolean;
}

interface Listening {
  readonly server: Server;
  connections: number;
}

const beginningBytes = 200;

/** Port of the first server that asks for any port: the pool. */
export const firstPort = 20_000;

export class MemoryNetwork {
  readonly #time: VirtualTime;
  #plan: NetworkPlan | undefined;
  #listening = new Map<number, Listening>();
  readonly #ports = new WeakMap<Server, number>();
  readonly #open = new Set<Connection>();
  readonly #connections = new WeakMap<MemorySocket, Connection>();
  #nextPort = firstPort;
  #nextId = 1;
  /** Called with the port of each connection that opens. */
  onOpened: (port: number) => void = () => undefined;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** Starts with no connection and no server. */
  reset(plan: NetworkPlan): void {
    this.#plan = plan;
    this.#listening = new Map();
    this.onOpened = () => undefined;
    this.#open.clear();
    this.#nextPort = firstPort;
    this.#nextId = 1;
  }

  /** Connections that are open at one end at least. */
  get open(): readonly Connection[] {
    return [...this.#open];
  }

  get listeningPorts(): readonly number[] {
    return [...this.#listening.keys()];
  }

  /** Connections to a port that their clients have not closed. */
  openTo(port: number): readonly Connection[] {
    return [...this.#open].filter((one) => one.port === port && one.isClientOpen);
  }

  connectionOf(socket: MemorySocket): Connection {
    return this.#connections.get(socket)!;
  }

  /** From now on no open connection fails. */
  heal(): void {
    for (const one of this.#open) one.heal();
  }

  connect(options: ConnectOptions): MemorySocket {
    const { highWaterMark, allowHalfOpen = false } = options;
    const socket = new MemorySocket({
      allowHalfOpen,
      ...(highWaterMark !== undefined && { highWaterMark }),
    });
    const port = Number(options.port);
    const plan = this.#planned.connection(port);
    const connection: Connection = {
      id: this.#nextId++,
      port,
      isClientOpen: true,
      isFaulty: false,
      delivered: 0,
      beginning: '',
      onDelivered: undefined,
      heal: () => undefined,
    };
    this.#connections.set(socket, connection);
    this.#open.add(connection);
    this.onOpened(port);
    socket.localAddress = options.localAddress ?? '127.0.0.1';
    socket.localPort = 30_000 + connection.id;
    let isOpen = false;
    socket.once('close', () => {
      connection.isClientOpen = false;
      if (!isOpen) this.#open.delete(connection);
    });
    this.#time.at(this.#time.nowMs + plan.opensAfterMs, () => {
      if (socket.destroyed) return;
      const listening = this.#listening.get(port);
      if (listening === undefined || plan.opening === 'refused') {
        if (listening !== undefined) this.#failed(connection, 'refused');
        socket.destroy(refused(port));
        return;
      }
      isOpen = true;
      this.#accept(socket, connection, plan, listening);
    });
    return socket;
  }

  #accept(
    socket: MemorySocket,
    connection: Connection,
    plan: ConnectionPlan,
    listening: Listening,
  ): void {
    const { random, log } = this.#planned;
    const { id, port } = connection;
    const accepted = new MemorySocket({ allowHalfOpen: true });
    let openEnds = 2;
    const closed = (line: Line, isReset: boolean): void => {
      openEnds -= 1;
      if (isReset) line.reset();
      else line.end();
      if (openEnds > 0) return;
      this.#open.delete(connection);
      log.add(`${this.#time.nowMs} ${id} closed`);
    };
    const line = (name: string, direction: DirectionPlan, receiver: MemorySocket): Line =>
      new Line({
        time: this.#time,
        random,
        plan: direction,
        deliver: (piece) => {
          const size = piece?.length ?? (piece === null ? 'end' : 'reset');
          log.add(`${this.#time.nowMs} ${id} ${name} ${size}`, piece ?? undefined);
          if (receiver === accepted && piece) {
            connection.delivered += piece.length;
            if (connection.beginning.length < beginningBytes)
              connection.beginning += piece.toString('latin1', 0, beginningBytes);
          }
          receiver.receive(piece);
          if (receiver === accepted) connection.onDelivered?.();
        },
        failed: (failure) => {
          this.#failed(connection, failure);
          if (failure === 'reset') {
            up.cut();
            down.cut();
            socket.receive(undefined);
            accepted.receive(undefined);
          } else if (failure === 'end') receiver.receive(null);
        },
      });
    const up = line('>', plan.up, accepted);
    const down = line('<', plan.down, socket);
    if (plan.echoes) {
      new Echo(this.#time, random, up, down, (answer) => {
        this.#failed(connection, 'echo');
        socket.receive(answer);
      });
    }
    connection.heal = () => {
      up.heal();
      down.heal();
    };
    accepted.localPort = port;
    accepted.localAddress = '127.0.0.1';
    accepted.remoteAddress = socket.localAddress;
    accepted.remotePort = socket.localPort;
    socket.remoteAddress = '127.0.0.1';
    socket.remotePort = port;
    const { server } = listening;
    log.add(`${this.#time.nowMs} ${id} opens to ${port}`);
    if (listening.connections >= server.maxConnections) {
      server.emit('drop', {});
      this.#open.delete(connection);
      socket.destroy(refused(port));
      return;
    }
    listening.connections += 1;
    accepted.once('close', () => {
      listening.connections -= 1;
      this.#closeIfDone(server, listening);
    });
    accepted.open(withVirtualDate(down, this.#time), (isReset) => closed(down, isReset));
    server.emit('connection', accepted);
    if (plan.opening === 'reset') {
      this.#failed(connection, 'reset at accept');
      accepted.resetAndDestroy();
    }
    socket.open(up, (isReset) => closed(up, isReset));
  }

  #failed(connection: Connection, failure: Parameters<NetworkPlan['failed']>[1]): void {
    connection.isFaulty = true;
    this.#planned.log.add(`${this.#time.nowMs} ${connection.id} ${failure}`);
    this.#planned.failed(connection.port, failure);
  }

  get #planned(): NetworkPlan {
    if (this.#plan === undefined) throw new Error('the network has no plan');
    return this.#plan;
  }

  #closeIfDone(server: Server, { connections }: Listening): void {
    if (!this.#ports.has(server) && connections === 0) {
      this.#time.immediately(() => server.emit('close'));
    }
  }

  /** The port of a server that listens. */
  portOf(server: Server): number | undefined {
    return this.#ports.get(server);
  }

  listen(server: Server, asked: number, done?: () => void): void {
    const port = asked === 0 ? this.#nextPort++ : asked;
    this.#listening.set(port, { server, connections: 0 });
    this.#ports.set(server, port);
    if (done !== undefined) server.once('listening', done);
    this.#time.immediately(() => server.emit('listening'));
  }

  close(server: Server, done?: (error?: Error) => void): void {
    const port = this.#ports.get(server);
    const listening = port === undefined ? undefined : this.#listening.get(port);
    if (port === undefined || listening === undefined) {
      const error = Object.assign(new Error('not running'), { code: 'ERR_SERVER_NOT_RUNNING' });
      if (done !== undefined) this.#time.immediately(() => done(error));
      return;
    }
    this.#listening.delete(port);
    this.#ports.delete(server);
    if (done !== undefined) server.once('close', () => done());
    this.#closeIfDone(server, listening);
  }
}

function refused(port: number): Error {
  return Object.assign(new Error(`connect ECONNREFUSED 127.0.0.1:${port}`), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
  });
}
