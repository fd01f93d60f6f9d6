/**
 * Shapes of traffic, made of clients that do what people's devices do. What a client does depends
 * on its name and on how often it did something, so it is the same beside each rule of holding.
 */
import { fraction } from './fraction.ts';
import type { LimitedPool } from './limited-pool.ts';
import type { Wish } from './played-call.ts';

// A global is slow to reach in tests.
const { PI, cos, exp, log, sqrt } = Math;

export interface Traffic {
  readonly name: string;
  readonly about: string;
  /** What calls take in the pool, in the middle. */
  readonly routeMs: number;
  /** Whether all take just that. */
  readonly isEven?: boolean;
  /** Virtual time in which there are some ten thousand calls. */
  readonly measuredMs: number;
  /** Sets the clients going. `ask` calls back with the answer. */
  readonly start: (pool: LimitedPool, ask: Ask) => void;
}

type Ask = (user: string, wish: Wish, done?: () => void) => void;

/** What is read, and how much longer than the middle that takes. */
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
/** The same path twice would have to wait for itself: each device writes something of its own. */
const writes = ['me/presence', 'me/note', 'me/location', 'me/reportMyActivity', 'me', 'policies'];
const spread = 0.3;

/** What that call takes: each route has a time of its own, and each call is somewhat off it. */
export function tookMs({ routeMs, isEven }: Traffic, path: string): number {
  if (isEven === true) return routeMs;
  const route = path.split('?')[0];
  const factor = reads.find(([read]) => read === route)?.[1] ?? 1;
  const radius = sqrt(-2 * log(1 - fraction(`${path} radius`)));
  const normal = radius * cos(2 * PI * fraction(`${path} angle`));
  return routeMs * factor * exp(spread * normal);
}

/** One device of a user: what it does next, and when, is drawn from its name. */
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

  /** In [0, 1). */
  draw(): number {
    this.#drawn += 1;
    return fraction(`${this.#name} draws ${this.#drawn}`);
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.draw();
  }

  /** With that mean, as if nothing had a memory. */
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

  /** Waits for each answer, then thinks. */
  oneByOne(thinkMs: () => number): void {
    const next = (): void => this.after(thinkMs(), () => this.read(next));
    next();
  }

  /** Starts an application: reads everything within 4 ms, is at rest, starts again. */
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

/** Calls of that device come at random, so many a second. */
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
    // Twice the usual, since all of it is chance.
    measuredMs: Math.round(20_000_000 / perSecond / users),
    start: (pool, ask) =>
      each(users, (user) => atRandom(new Device(pool, ask, `ann${user}`), perSecond)),
  };
}

const differentRates = [2, 10, 50, 100];

/** So quick that each call comes within a hold of the one before. */
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

/** The same where all routes take the same: nobody pays for slower calls in its batch. */
const even = (traffic: Traffic): Traffic => ({
  ...traffic,
  name: `${traffic.name}, even`,
  about: `${traffic.about}; all routes take the same`,
  isEven: true,
});

/** The same where what would be written is read, so that all calls are of one class. */
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
