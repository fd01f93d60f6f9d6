/** Many callers, each at a connection of its own. */
import { setTimeout as delay } from 'node:timers/promises';
import { RawClient } from './raw-client.ts';

/** So many connections are opened at a time: more would overflow what a listener lets wait. */
const atOnce = 200;
const applications = '/ucwa/oauth/v1/applications';

/** Of one client address only so much is let in: a crowd comes from many. */
const eachAddress = 100;

/** The address of this machine from which that client of a crowd comes. */
function crowdAddress(client: number): string {
  const address = Math.floor(client / eachAddress);
  return `127.0.${Math.floor(address / 250)}.${2 + (address % 250)}`;
}

export async function connectMany(port: number, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < count) {
    const more = Array.from(
      { length: Math.min(atOnce, count - clients.length) },
      (_, i) => new RawClient(port, crowdAddress(clients.length + i)),
    );
    await Promise.all(more.map(({ connected }) => connected));
    clients.push(...more);
  }
  return clients;
}

/** The bytes of a call; with a body it is a POST. An application belongs to one user. */
export function call(token: string, path: string, body = '', application = '1045'): string {
  const method = body === '' ? 'GET' : 'POST';
  const framing =
    body === '' ? '' : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  return (
    `${method} ${applications}/${application}/${path} HTTP/1.1\r\nHost: pool.example\r\n` +
    `Authorization: Bearer ${token}\r\nAccept: application/json\r\n${framing}\r\n${body}`
  );
}

export interface Timed {
  readonly status: number;
  readonly ms: number;
}

export async function timed(client: RawClient, bytes: string): Promise<Timed> {
  const startedAtMs = performance.now();
  client.send(bytes);
  const { status } = await client.readAnswer();
  return { status, ms: performance.now() - startedAtMs };
}

/** Each asks, waits for its answer, waits a little, and asks again. */
export async function keepAsking(
  clients: readonly RawClient[],
  next: (client: number, n: number) => string,
  goesOn: () => boolean,
  pauseMs = 0,
): Promise<Timed[]> {
  const seen = clients.map(async (client, i) => {
    const own: Timed[] = [];
    for (let n = 0; goesOn(); n += 1) {
      own.push(await timed(client, next(i, n)));
      if (pauseMs > 0) await delay(pauseMs);
    }
    return own;
  });
  return (await Promise.all(seen)).flat();
}

/** `share` from 0 to 1; 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** How often each status came. */
export function countByStatus(answers: ReadonlyArray<{ status: number }>): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** Good clients, undisturbed and beside what may disturb them. */
export interface Round {
  readonly calm: readonly Timed[];
  readonly beside: readonly Timed[];
}

/**
 * What the disturbance makes of their 99th percentile, by the quietest round: noise of the machine
 * only adds to it. `leastMs`: below that a percentile tells of the machine, not of us.
 */
export function slowdown(rounds: readonly Round[], leastMs = 0): number {
  const p99 = (answers: readonly Timed[]): number =>
    quantile(
      answers.map(({ ms }) => ms),
      0.99,
    );
  return Math.min(...rounds.map(({ calm, beside }) => p99(beside) / Math.max(leastMs, p99(calm))));
}
