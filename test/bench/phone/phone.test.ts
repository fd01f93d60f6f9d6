/** The pure parts of the benchmark's phone: what its radio does, and the picture of what it gets. */
import { describe, expect, test } from '@jest/globals';
import { textOf } from '../../docs/markdown.ts';
import { benchPath } from '../run-bench.ts';

interface Traffic {
  readonly upBytes: number;
  readonly downBytes: number;
  readonly connections: number;
  readonly wakeUps: number;
  readonly wokeAtMs: readonly number[];
}

interface Radio {
  opened(atMs: number): void;
  sent(bytes: number, atMs: number): void;
  received(bytes: number, atMs: number): void;
  closed(atMs: number): void;
  traffic(): Traffic;
}

interface Parts {
  readonly Bursts: new (gapMs: number) => {
    readonly beganAtMs: readonly number[];
    activeAt(atMs: number): void;
  };
  readonly Radio: new (gapMs: number) => Radio;
  readonly Distance: new (
    roundTripMs: number,
    openedAtMs: number,
  ) => { arrivesAtMs(nowMs: number): number; returnsAtMs(nowMs: number): number };
  readonly App: new (phone: object, user: string) => { read(href: string): Promise<unknown> };
  readonly drawPhone: (recorded: unknown) => string;
  readonly withSections: (
    page: string,
    markdowns: readonly string[],
    order: readonly string[],
  ) => string;
  readonly changesOf: (
    contacts: number,
    from?: number,
  ) => ReadonlyArray<{ rel: string; href: string }>;
}

const load = async (file: string): Promise<Parts> => (await import(benchPath(file))) as Parts;
const { Bursts, Radio } = await load('phone/radio.js');
const { Distance } = await load('phone/distance.js');
const { drawPhone } = await load('phone/picture.js');
const { App, changesOf } = await load('phone/app.js');
const { withSections } = await load('report/with-sections.js');

describe('the radio of a phone', () => {
  const burstsOf = (gapMs: number, ...timesMs: readonly number[]): readonly number[] => {
    const bursts = new Bursts(gapMs);
    for (const atMs of timesMs) bursts.activeAt(atMs);
    return bursts.beganAtMs;
  };

  test('wakes up for each burst that is more than the gap behind the one before', () => {
    expect(burstsOf(5000)).toEqual([]);
    expect(burstsOf(5000, 0)).toEqual([0]);
    expect(burstsOf(5000, 0, 5000)).toEqual([0]);
    expect(burstsOf(5000, 0, 5001)).toEqual([0, 5001]);
    // The gap begins at the last byte of a burst, not at its first.
    expect(burstsOf(5000, 0, 4000, 8000, 12_000)).toEqual([0]);
    expect(burstsOf(5000, 0, 4000, 9001, 20_000, 20_001)).toEqual([0, 9001, 20_000]);
  });

  test('counts bytes by direction, and connections', () => {
    const radio = new Radio(5000);
    const none = { upBytes: 0, downBytes: 0, connections: 0, wakeUps: 0, wokeAtMs: [] };
    expect(radio.traffic()).toEqual(none);
    radio.opened(0);
    radio.sent(517, 60);
    radio.received(1200, 120);
    radio.opened(130);
    radio.sent(80, 190);
    radio.received(7, 190);
    const bytes = { upBytes: 597, downBytes: 1207 };
    expect(radio.traffic()).toEqual({ ...bytes, connections: 2, wakeUps: 1, wokeAtMs: [0] });
  });

  test('wakes up when the server closes an idle connection', () => {
    const radio = new Radio(5000);
    radio.opened(0);
    radio.received(100, 100);
    radio.closed(76_000);
    expect(radio.traffic().wakeUps).toBe(2);
  });
});

describe('the distance of a phone', () => {
  test('takes half a round trip each way, and one more before the first bytes', () => {
    const distance = new Distance(60, 1000);
    // The phone has handed over its first bytes at once. They leave after the handshake of TCP.
    expect(distance.arrivesAtMs(1000)).toBe(1090);
    expect(distance.arrivesAtMs(1060)).toBe(1090);
    expect(distance.arrivesAtMs(1061)).toBe(1091);
    expect(distance.returnsAtMs(1090)).toBe(1120);
  });

  test('keeps the order of bytes', () => {
    const distance = new Distance(200, 0);
    const arrivals = [0, 10, 199, 200, 201, 900].map((atMs) => distance.arrivesAtMs(atMs));
    expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b));
  });
});

test('a contact has two resources that change', () => {
  const changes = changesOf(50);
  expect(changes).toHaveLength(100);
  expect(new Set(changes.map(({ href }) => href)).size).toBe(100);
  expect(changesOf(1, 7).map(({ rel, href }) => `${rel} ${href}`)).toEqual([
    'contactPresence people/contact.7@pool.example/presence',
    'contactNote people/contact.7@pool.example/note',
  ]);
});

describe('the app', () => {
  const asks = (status: number, self: string): Promise<unknown> => {
    const text = JSON.stringify({ _links: { self: { href: self } } });
    const ask = () => Promise.resolve({ status, headers: {}, text });
    return new App({ ask, close: () => undefined }, 'ann').read('me/note');
  };

  test('fails if it gets the answer to another call, or an error', async () => {
    await expect(asks(200, '/me/note')).resolves.toBeDefined();
    await expect(asks(200, '/me/presence')).rejects.toThrow(
      '/me/note got the answer of /me/presence',
    );
    await expect(asks(503, '/me/note')).rejects.toThrow('/me/note was answered 503, not 200');
  });
});

describe('the picture', () => {
  const way = { ms: 1285, upBytes: 38_215, downBytes: 33_793, requests: 49, poolRequests: 15 };
  const recorded = {
    on: 'a <processor>, Node v1',
    minutes: 60,
    scenes: ['start', 'storm', 'hour'].map((scene) => ({
      scene,
      roundTripMs: 60,
      ways: [
        { name: 'HTTP/1.1, direct', ...way, connections: 6, wakeUps: 36 },
        { name: 'HTTP/2, proxy', ...way, connections: 0, wakeUps: 24 },
      ],
    })),
  };

  test('of the documentation is drawn from the recorded figures', () => {
    const figures: unknown = JSON.parse(textOf('docs/benchmarks-phone.json'));
    expect(textOf('docs/benchmarks-phone.svg')).toBe(drawPhone(figures));
  });

  test('shows each figure with its bar, and nothing that was not measured', () => {
    const svg = drawPhone(recorded);
    expect(svg).toContain('>1285</text>');
    expect(svg).toContain('>38.2</text>');
    expect(svg).toContain('>24</text>');
    expect(svg).toContain('a &lt;processor>, Node v1.');
    expect(svg).not.toContain('HTTP/1.1, proxy<');
    expect(svg).not.toMatch(/NaN|undefined|way-1/);
    // Only the quiet hour has more than one wake-up.
    expect(svg.match(/wake-ups of its radio/g)).toHaveLength(1);
  });

  test('loads nothing, and each of its elements is closed', () => {
    const svg = drawPhone(recorded);
    expect(svg).not.toMatch(/<script|<image|href=|url\(|@import| on\w+=/i);
    const tags = [...svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)];
    const open: string[] = [];
    const crossed = tags.filter(([, slash, name = '', self]) => {
      if (slash === '/') return open.pop() !== name;
      if (self !== '/') open.push(name);
      return false;
    });
    expect(tags.length).toBeGreaterThan(20);
    expect([crossed, open]).toEqual([[], []]);
  });
});

describe('a report of one part', () => {
  const page = '# Benchmarks\n\nhead\n\n## One\n\nold 1\n\n## Three\n\nold 3\n';
  const order = ['One', 'Two', 'Three', 'Four'];

  test('replaces its section, and keeps the head and the other sections', () => {
    expect(withSections(page, ['## Three\n\nnew 3'], order)).toBe(
      '# Benchmarks\n\nhead\n\n## One\n\nold 1\n\n## Three\n\nnew 3',
    );
  });

  test('adds a new section at its place in the order', () => {
    const titles = (markdown: string): string[] =>
      [...withSections(page, [markdown], order).matchAll(/^## (.*)$/gm)].map(
        ([, title = '']) => title,
      );
    expect(titles('## Two\n\nnew')).toEqual(['One', 'Two', 'Three']);
    expect(titles('## Four\n\nnew')).toEqual(['One', 'Three', 'Four']);
  });
});
