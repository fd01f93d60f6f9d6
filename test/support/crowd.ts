/** Many callers, each with its own connection. */
import { setTimeout as delay } from 'node:timers/promises';
import { RawClient } from './raw-client.ts';

/** Number of connections opened at a time. More would overflow the accept queue of the listener. */
const atOnce = 200;
const applications = '/ucwa/oauth/v1/applications';

/**
 * Number of clients per address. The proxy limits the connections of one address, so a crowd needs
 * many.
 */
const eachAddress = 100;

/** The loopback address of a client of the crowd. */
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

/**
 * Returns the bytes of a call. A call with a body is a POST. An application belongs to one user.
 */
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

/** Each client asks, waits for the answer, pauses and asks again, until `goesOn` returns false. */
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

/** `share` is from 0 to 1: 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** Counts the answers by status. */
export function countByStatus(answers: ReadonlyArray<{ status: number }>): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** Calls of good clients without and with a disturbance. */
export interface Round {
  readonly calm: readonly Timed[];
  readonly beside: readonly Timed[];
}

/**
 * Returns the factor by which the disturbance raises the 99th percentile, in the quietest round:
 * noise of the machine can only raise the factor. A percentile below `leastMs` reflects the
 * machine, not the proxy.
 */
export function slowdown(rounds: readonly Round[], leastMs = 0): number {
  const p99 = (answers: readonly Timed[]): number =>
    quantile(
      answers.map(({ ms }) => ms),
      0.99,
    );
  return Math.min(...rounds.map(({ calm, beside }) => p99(beside) / Math.max(leastMs, p99(calm))));
}
