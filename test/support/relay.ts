/**
 * A TCP relay that disturbs the traffic between a client and a server of HTTP/1.1 without
 * pipelining. The relay does not parse HTTP: an exchange begins with the first bytes of the client
 * after bytes of the server.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { onCleanup } from './cleanup.ts';

/** `request`: bytes of the client. `answer`: bytes of the server. */
type Side = 'request' | 'answer';

export type Toxic =
  /** Delays each piece, on both sides, by `ms` plus or minus the jitter. */
  | { readonly kind: 'latency'; readonly ms: number; readonly jitterMs: number }
  /** Limits the rate of each side. */
  | { readonly kind: 'bandwidth'; readonly bytesPerSecond: number }
  /** Forwards the bytes in pieces of 1 to `maxBytes`, one piece per turn of the event loop. */
  | { readonly kind: 'slicer'; readonly maxBytes: number }
  /** Resets a connection as soon as it is accepted. */
  | { readonly kind: 'resetAtAccept' }
  /**
   * Resets both connections when the answer's head is forwarded, or that number of bytes after the
   * head.
   */
  | { readonly kind: 'reset'; readonly at: 'head' | number }
  /** Ends the connection after that number of bytes of the answer, head included. */
  | { readonly kind: 'earlyFin'; readonly afterBytes: number }
  /** Forwards nothing more from here on. The connections stay open. */
  | { readonly kind: 'blackHole'; readonly side: Side }
  /** Sends these bytes in place of the answer, then ends the connection. */
  | { readonly kind: 'junk'; readonly bytes: string }
  /** Ends both connections after that number of bytes of one side of an exchange. */
  | { readonly kind: 'limit'; readonly side: Side; readonly bytes: number };

export interface Relay {
  readonly port: number;
  readonly url: string;
  /** From now on disturbs that share of the exchanges, or of the connections. */
  poison(toxic: Toxic, share?: number): void;
  /** Stops disturbing, except exchanges in flight. */
  heal(): void;
  /** Resets every connection. */
  resetAll(): void;
  /** Refuses connections until `open`. Established connections stay. */
  close(): Promise<void>;
  open(): Promise<void>;
  /** How often each toxic was applied to an exchange or a connection. */
  readonly hits: ReadonlyMap<Toxic['kind'], number>;
}

/** Starts a relay in front of a port of this machine. */
export async function startRelay(port: number, random = Math.random): Promise<Relay> {
  const toxics = new ToxicSource(random);
  const connections = new Set<Connection>();
  let server: Server;
  const listen = async (at: number): Promise<number> => {
    server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      if (toxics.draw(true) !== undefined) {
        near.resetAndDestroy();
        return;
      }
      const connection = new Connection(near, port, toxics);
      connections.add(connection);
      near.once('close', () => connections.delete(connection));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: at, host: '127.0.0.1', backlog: 1024 }, resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  };
  const own = await listen(0);
  const resetAll = (): void => {
    for (const connection of connections) connection.reset();
  };
  onCleanup(() => {
    resetAll();
    server.close();
  });
  return {
    port: own,
    url: `http://127.0.0.1:${own}`,
    hits: toxics.hits,
    poison: (toxic, share = 1) => (toxics.order = { toxic, share }),
    heal: () => (toxics.order = undefined),
    resetAll,
    close: async () => {
      server.close();
      await new Promise((resolve) => setImmediate(resolve));
    },
    open: async () => {
      await listen(own);
    },
  };
}

/** Decides which connections and exchanges are disturbed. */
class ToxicSource {
  order: { readonly toxic: Toxic; readonly share: number } | undefined;
  readonly hits = new Map<Toxic['kind'], number>();
  readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  /** The toxic for one accepted connection, or for one exchange. */
  draw(accepted: boolean): Toxic | undefined {
    if (this.order === undefined) return undefined;
    const { toxic, share } = this.order;
    if ((toxic.kind === 'resetAtAccept') !== accepted || this.random() >= share) return undefined;
    this.hits.set(toxic.kind, (this.hits.get(toxic.kind) ?? 0) + 1);
    return toxic;
  }
}

class Connection {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #toxics: ToxicSource;
  #toxic: Toxic | undefined;
  /** Whether the last bytes came from the server. */
  #answering = true;
  #passed = { request: 0, answer: 0 };
  /** The beginning of the answer, until its head is complete. */
  #head = '';
  #bodyFrom = -1;
  #swallows = false;

  constructor(near: Socket, port: number, toxics: ToxicSource) {
    this.#near = near;
    this.#toxics = toxics;
    this.#far = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#join(near, this.#far, (chunk) => this.#request(chunk));
    this.#join(this.#far, near, (chunk) => this.#answer(chunk));
  }

  reset(): void {
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }

  #join(from: Socket, to: Socket, take: (chunk: Buffer) => void): void {
    from.on('data', take);
    from.on('end', () => to.end());
    from.on('error', () => to.resetAndDestroy());
    from.on('close', () => to.destroy());
  }

  #request(chunk: Buffer): void {
    if (this.#answering) {
      this.#answering = false;
      this.#toxic = this.#toxics.draw(false);
      this.#passed = { request: 0, answer: 0 };
      this.#head = '';
      this.#bodyFrom = -1;
    }
    this.#harm('request', chunk, this.#near, this.#far);
  }

  #answer(chunk: Buffer): void {
    this.#answering = true;
    this.#harm('answer', chunk, this.#far, this.#near);
  }

  #harm(side: Side, chunk: Buffer, from: Socket, to: Socket): void {
    const toxic = this.#toxic;
    if (this.#swallows) return;
    switch (toxic?.kind) {
      case 'latency':
      case 'bandwidth':
      case 'slicer':
        from.pause();
        void this.#slowly(toxic, chunk, to).then(() => from.resume());
        return;
      case 'blackHole':
        this.#swallows = toxic.side === side;
        break;
      case 'junk':
        if (side === 'answer') {
          this.#near.end(toxic.bytes, 'latin1');
          this.#far.destroy();
          return;
        }
        break;
      case 'earlyFin':
        if (side === 'answer' && this.#cut(side, chunk, toxic.afterBytes, to)) return;
        break;
      case 'limit':
        if (side === toxic.side && this.#cut(side, chunk, toxic.bytes, to)) return;
        break;
      case 'reset':
        if (side === 'answer') {
          const end = this.#resetAt(toxic.at, chunk);
          if (end <= this.#passed.answer + chunk.length) {
            to.write(chunk.subarray(0, end - this.#passed.answer), () => this.reset());
            this.#swallows = true;
            return;
          }
        }
        break;
      case 'resetAtAccept':
      case undefined:
    }
    if (this.#swallows) return;
    this.#passed[side] += chunk.length;
    if (!to.write(chunk)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  }

  async #slowly(toxic: Toxic, chunk: Buffer, to: Socket): Promise<void> {
    const { random } = this.#toxics;
    if (toxic.kind === 'latency') {
      await delay(Math.max(0, toxic.ms + (random() * 2 - 1) * toxic.jitterMs));
      to.write(chunk);
    } else if (toxic.kind === 'bandwidth') {
      const sliceMs = 20;
      const sliceBytes = Math.ceil((toxic.bytesPerSecond * sliceMs) / 1000);
      for (let at = 0; at < chunk.length && !to.destroyed; at += sliceBytes) {
        const slice = chunk.subarray(at, at + sliceBytes);
        await delay((slice.length / toxic.bytesPerSecond) * 1000);
        to.write(slice);
      }
    } else if (toxic.kind === 'slicer') {
      for (let at = 0; at < chunk.length && !to.destroyed;) {
        const end = at + 1 + Math.floor(random() * toxic.maxBytes);
        to.write(chunk.subarray(at, end));
        at = end;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /**
   * Forwards the first `bytes` of a side, then ends both connections. Returns whether it ended
   * them.
   */
  #cut(side: Side, chunk: Buffer, bytes: number, to: Socket): boolean {
    const left = bytes - this.#passed[side];
    if (chunk.length < left) return false;
    this.#swallows = true;
    to.end(chunk.subarray(0, left));
    (to === this.#near ? this.#far : this.#near).end();
    return true;
  }

  /** Offset in the answer at which to reset. Infinity until the head is complete. */
  #resetAt(at: 'head' | number, chunk: Buffer): number {
    if (this.#bodyFrom === -1) {
      this.#head += chunk.toString('latin1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (end === -1) return Infinity;
      this.#bodyFrom = end + 4;
    }
    return this.#bodyFrom + (at === 'head' ? 0 : at);
  }
}
