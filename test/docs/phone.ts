/** The sentence of README.md about the phone, from the recorded results of the benchmark. */
import { textOf } from './markdown.ts';

interface Way {
  readonly name: string;
  readonly ms: number;
  readonly upBytes: number;
  readonly downBytes: number;
  readonly connections: number;
  readonly wakeUps: number;
}

interface Recorded {
  readonly minutes: number;
  readonly scenes: ReadonlyArray<{
    readonly scene: 'start' | 'storm' | 'hour';
    readonly roundTripMs: number;
    readonly ways: readonly Way[];
  }>;
}

const near = 60;

/** Returns the picture and the sentence that reads it. Throws if HTTP/2 or the quiet hour was not measured. */
export function phoneLines(
  recorded = JSON.parse(textOf('docs/benchmarks-phone.json')) as Recorded,
): string[] {
  if (recorded.minutes !== 60) throw new Error(`the quiet time has ${recorded.minutes} minutes`);
  const way = (scene: 'start' | 'storm' | 'hour', name: string): Way => {
    const found = recorded.scenes
      .find((one) => one.scene === scene && one.roundTripMs === near)
      ?.ways.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no results of "${name}" in the scene "${scene}"`);
    return found;
  };
  const kb = (bytes: number): string => (bytes / 1000).toFixed(0);
  const [direct, http2] = ['HTTP/1.1, direct', 'HTTP/2, proxy'];
  const [atPool, before, older] = [direct, http2, 'HTTP/1.1, proxy'].map((name) =>
    way('start', name),
  );
  const [hereStorm, thereStorm] = [http2, direct].map((name) => way('storm', name));
  const [hereHour, thereHour] = [http2, direct].map((name) => way('hour', name));
  const bytes = ({ upBytes, downBytes }: Way): string => kb(upBytes + downBytes);
  return [
    '[![The app starts, 200 events, a quiet hour: the phone sends and receives less over HTTP/2 through the proxy](docs/benchmarks-phone.svg)](docs/benchmarks.md#what-the-phone-gets)',
    '',
    [
      `A phone ${near} ms away starts its app in ${before!.ms} ms over HTTP/2 through the proxy, and in ${atPool!.ms} ms directly.`,
      `It transfers ${bytes(before!)} KB, not ${bytes(atPool!)} KB, on ${before!.connections} connection, not ${atPool!.connections}.`,
      `After 200 events it is up to date in ${hereStorm!.ms} ms, not ${thereStorm!.ms} ms.`,
      `In a quiet hour its radio wakes up ${hereHour!.wakeUps} times, not ${thereHour!.wakeUps} times.`,
      `Over HTTP/1.1 through the proxy the app starts in ${older!.ms} ms, and transfers ${bytes(older!)} KB.`,
    ].join('\n'),
  ];
}
