/** Good callers beside an attack: 20 users, each with its own address, who call in every way. */
import { setTimeout as delay } from 'node:timers/promises';
import { call, type Timed } from './crowd.ts';
import { RawClient } from './raw-client.ts';

export const ways = ['read', 'write', 'poll', 'sign-in', 'upload', 'probe'] as const;
export type Way = (typeof ways)[number];

export interface Seen extends Timed {
  readonly way: Way;
  /** Whether an answer of the pool came, not one of the proxy. */
  readonly served: boolean;
}

const users = 20;
/** A good caller waits no longer. Without an attack an answer takes about 10 ms. */
const patienceMs = 5000;

const uploaded = Buffer.alloc(100 * 1024, 'u').toString();
const outside = (line: string, body: string): string =>
  `${line} HTTP/1.1\r\nHost: pool.example\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

interface Habit {
  readonly bytes: (user: number, n: number) => string;
  readonly pauseMs: number;
  /** Whether each call comes on its own connection. */
  readonly anew: boolean;
}

const ofUser = (user: number, path: string, body?: string): string =>
  call(`cwt=sim-u${user}`, path, body, `u${user}`);

const habits: Readonly<Record<Way, Habit>> = {
  read: { bytes: (user, n) => ofUser(user, `me?n=${n}`), pauseMs: 150, anew: false },
  write: { bytes: (user) => ofUser(user, 'me/note', '{"message":"x"}'), pauseMs: 200, anew: false },
  // The pool answers at once, because the acknowledged set is not the open one.
  poll: { bytes: (user) => ofUser(user, 'events?ack=99'), pauseMs: 200, anew: false },
  'sign-in': { bytes: () => outside('GET /', ''), pauseMs: 300, anew: true },
  upload: { bytes: () => outside('POST /upload', uploaded), pauseMs: 400, anew: false },
  probe: {
    bytes: () => 'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    pauseMs: 20,
    anew: true,
  },
};

/**
 * The pool answers an upload with 404, because it has no resource there. The proxy itself never
 * sends 404.
 */
const servedWith: readonly number[] = [200, 204, 404];

export class DoorCallers {
  readonly #port: number;
  readonly #adminPort: number;
  /** Connections by way and user, kept from one round to the next. */
  readonly #kept = new Map<string, RawClient>();

  constructor(port: number, adminPort: number) {
    this.#port = port;
    this.#adminPort = adminPort;
  }

  /**
   * All users call in each way, and one client probes. Resolves when all have their last answers.
   */
  async goOn(goesOn: () => boolean): Promise<Seen[]> {
    const callers = [this.#ask('probe', 0, goesOn)];
    for (let user = 0; user < users; user += 1) {
      for (const way of ways) if (way !== 'probe') callers.push(this.#ask(way, user, goesOn));
    }
    return (await Promise.all(callers)).flat();
  }

  async #ask(way: Way, user: number, goesOn: () => boolean): Promise<Seen[]> {
    const { bytes, pauseMs, anew } = habits[way];
    const seen: Seen[] = [];
    // The users start one after another.
    await delay((user * pauseMs) / users);
    for (let n = 0; goesOn(); n += 1) {
      const began = performance.now();
      const key = `${way} ${user}`;
      const client = this.#kept.get(key) ?? this.#connect(way, user);
      client.send(bytes(user, n));
      const status = await statusOf(client);
      const served = servedWith.includes(status);
      seen.push({ way, status, served, ms: performance.now() - began });
      if (served && !anew) this.#kept.set(key, client);
      else {
        this.#kept.delete(key);
        client.leave();
      }
      await delay(pauseMs);
    }
    return seen;
  }

  #connect(way: Way, user: number): RawClient {
    return new RawClient(way === 'probe' ? this.#adminPort : this.#port, `127.0.1.${user + 1}`);
  }
}

/** Returns 0 if the connection was closed, and -1 if no answer came in time. */
async function statusOf(client: RawClient): Promise<number> {
  const patience = new AbortController();
  const given = delay(patienceMs, -1, { signal: patience.signal }).catch(() => -1);
  const answered = client.readAnswer().then(
    ({ status }) => status,
    () => 0,
  );
  const status = await Promise.race([answered, given]);
  patience.abort();
  return status;
}
