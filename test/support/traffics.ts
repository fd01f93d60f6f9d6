/**
 * Patterns of traffic, made of clients that behave as people's devices do. The behavior of a client
 * depends only on its name and on its number of draws, so it is the same under each hold rule.
 */
import { fraction } from './fraction.ts';
import type { LimitedPool } from './limited-pool.ts';
import type { Wish } from './played-call.ts';

// Destructured once, because a lookup of a global is slow in tests.
const { PI, cos, exp, log, sqrt } = Math;

export interface Traffic {
  readonly name: string;
  readonly about: string;
  /** Median time that a call takes in the pool. */
  readonly routeMs: number;
  /** Whether each call takes exactly this time. */
  readonly isEven?: boolean;
  /** Virtual time to measure, which has about ten thousand calls. */
  readonly measuredMs: number;
  /** Starts the clients. `ask` calls `done` when the answer comes. */
  readonly start: (pool: LimitedPool, ask: Ask) => void;
}

type Ask = (user: string, wish: Wish, done?: () => void) => void;

/** Paths to read, each with its factor of the median time. */
const reads = [
  ['me', 0.8],
  ['me/presence', 0.6],
  ['me/note', 0.7],
  ['me/location', 0.9],
  ['policies', 1],
  ['people/contacts', 1.3],
  ['people/groups', 1.4],
  ['communication', 1.1],
] as const;
/** Each device writes a different path, because writes to one path wait for each other. */
const writes = ['me/presence', 'me/note', 'me/location', 'me/reportMyActivity', 'me', 'policies'];
const spread = 0.3;

/**
 * Time that the call takes. Each route has its own median, and each call deviates from it at
 * random.
 */
export function tookMs({ routeMs, isEven }: Traffic, path: string): number {
  if (isEven === true) return routeMs;
  const route = path.split('?')[0];
  const factor = reads.find(([read]) => read === route)?.[1] ?? 1;
  const radius = sqrt(-2 * log(1 - fraction(`${path} radius`)));
  const normal = radius * cos(2 * PI * fraction(`${path} angle`));
  return routeMs * factor * exp(spread * normal);
}

/** One device of a user. Its name decides its actions and their times. */
class Device {
  readonly #pool: LimitedPool;
  readonly #ask: Ask;
  readonly #user: string;
  readonly #name: string;
  #drawn = 0;
  #calls = 0;

  constructor(pool: LimitedPool, ask: Ask, user: string, index = 0) {
    this.#pool = pool;
    this.#ask = ask;
    this.#user = user;
    this.#name = `${user}.${index}`;
  }

  /** A number in [0, 1). */
  draw(): number {
    this.#drawn += 1;
    return fraction(`${this.#name} draws ${this.#drawn}`);
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.draw();
  }

  /** An exponentially distributed time with that mean, as between independent calls. */
  exponential(mean: number): number {
    return -log(1 - this.draw()) * mean;
  }

  after(ms: number, run: () => void): void {
    this.#pool.after(ms, run);
  }

  read(done?: () => void, path: string = reads[Math.floor(this.draw() * reads.length)]![0]): void {
    this.#ask(this.#user, { path: this.#numbered(path) }, done);
  }

  write(path: string, done?: () => void): void {
    this.#ask(this.#user, { path: this.#numbered(path), isWrite: true }, done);
  }

  /** Waits for each answer, then pauses. */
  oneByOne(thinkMs: () => number): void {
    const next = (): void => this.after(thinkMs(), () => this.read(next));
    next();
  }

  /** Starts an application: reads everything within 4 ms, rests, then starts again. */
  starts(restMs: () => number): void {
    const start = (): void => {
      let waiting = reads.length;
      const done = (): void => {
        waiting -= 1;
        if (waiting === 0) this.after(restMs(), start);
      };
      for (const [path] of reads) this.after(this.between(0, 4), () => this.read(done, path));
    };
    this.after(restMs(), start);
  }

  #numbered(path: string): string {
    this.#calls += 1;
    return `${path}?device=${this.#name}&n=${this.#calls}`;
  }
}

const each = (count: number, run: (index: number) => void): void => {
  for (let index = 0; index < count; index += 1) run(index);
};

/** Sends independent calls of that device at that mean rate. */
function atRandom(device: Device, perSecond: number): void {
  const next = (): void => {
    device.after(device.exponential(1000 / perSecond), () => {
      device.read();
      next();
    });
  };
  next();
}

function poisson(perSecond: number, users: number): Traffic {
  return {
    name: `at random, ${perSecond}/s`,
    about: `${users} users, ${perSecond} calls a second each, at random`,
    routeMs: 30,
    // Twice the usual time, because all of this traffic is random.
    measuredMs: Math.round(20_000_000 / perSecond / users),
    start: (pool, ask) =>
      each(users, (user) => atRandom(new Device(pool, ask, `ann${user}`), perSecond)),
  };
}

const differentRates = [2, 10, 50, 100];

/** The pauses are short enough that each call arrives within a hold of the previous call. */
export const oneByOne: Traffic = {
  name: 'one by one',
  about: '10 users; each waits for the answer and thinks up to 5 ms',
  routeMs: 8,
  measuredMs: 12_000,
  start: (pool, ask) =>
    each(10, (user) => {
      const device = new Device(pool, ask, `ann${user}`);
      device.oneByOne(() => device.between(0, 5));
    }),
};

const appStarts: Traffic = {
  name: 'app starts',
  about: '8 users with 2 devices; each reads 8 things within 4 ms, then rests 0.3 to 1.5 s',
  routeMs: 40,
  measuredMs: 80_000,
  start: (pool, ask) =>
    each(16, (n) => {
      const device = new Device(pool, ask, `ann${n >> 1}`, n % 2);
      device.starts(() => device.between(300, 1500));
    }),
};

export const busy: Traffic = {
  name: 'busy',
  about: '5 users with 6 devices, which think 5 to 15 ms; a quarter of the calls write',
  routeMs: 30,
  measuredMs: 15_000,
  start: (pool, ask) =>
    each(30, (n) => {
      const device = new Device(pool, ask, `ann${n % 5}`, n);
      const next = (): void => {
        device.after(device.between(5, 15), () => {
          if (device.draw() < 0.25) device.write(writes[Math.floor(n / 5)]!, next);
          else device.read(next);
        });
      };
      next();
    }),
};

const mixed: Traffic = {
  name: 'mixed',
  about:
    '6 users with a device that starts and one that asks one by one, 6 that only ask one by one, 6 with 3 devices that think for 0.3 s',
  routeMs: 30,
  measuredMs: 30_000,
  start: (pool, ask) => {
    each(6, (user) => {
      const starting = new Device(pool, ask, `ann${user}`, 0);
      starting.starts(() => starting.between(300, 1500));
      const asking = new Device(pool, ask, `ann${user}`, 1);
      asking.oneByOne(() => asking.between(0, 200));
    });
    each(6, (user) => {
      const asking = new Device(pool, ask, `bob${user}`);
      asking.oneByOne(() => asking.between(0, 40));
    });
    each(18, (n) => {
      const thinking = new Device(pool, ask, `cho${n % 6}`, n);
      thinking.oneByOne(() => thinking.exponential(300));
    });
  },
};

const different: Traffic = {
  name: 'different users',
  about: `24 users, ${differentRates.join(', ')} calls a second, at random`,
  routeMs: 30,
  measuredMs: 10_000,
  start: (pool, ask) =>
    each(24, (user) =>
      atRandom(new Device(pool, ask, `ann${user}`), differentRates[user % differentRates.length]!),
    ),
};

/**
 * The same traffic with equal times for all routes: no call waits for slower calls in its batch.
 */
const even = (traffic: Traffic): Traffic => ({
  ...traffic,
  name: `${traffic.name}, even`,
  about: `${traffic.about}; all routes take the same`,
  isEven: true,
});

/** The same traffic with reads in place of writes, so that all calls are of one class. */
export const onlyReads = (traffic: Traffic): Traffic => ({
  ...traffic,
  start: (pool, ask) => traffic.start(pool, (user, { path }, done) => ask(user, { path }, done)),
});

export const evenAppStarts = even(appStarts);
export const evenBusy = even(busy);

export const traffics: readonly Traffic[] = [
  oneByOne,
  appStarts,
  evenAppStarts,
  mixed,
  busy,
  evenBusy,
  different,
  poisson(5, 20),
  poisson(20, 10),
  poisson(60, 6),
  poisson(200, 4),
  poisson(600, 3),
];
