/** Simulated phones for the demo, which all start at once and send their start-up calls. */
import { Agent, request } from 'node:http';

export interface BurstShape {
  readonly users: number;
  readonly devicesPerUser: number;
}

export interface BurstResult {
  readonly calls: number;
  /** Time of each call until the last byte of its answer, in ms, ascending. */
  readonly latenciesMs: readonly number[];
  /** Number of answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
}

/** Paths below its application that a client reads when it starts. */
const startUp = [
  'me',
  'me/note',
  'me/presence',
  'me/phones',
  'policies',
  'people/contacts',
  'people/groups',
  'communication',
];
const connectionsPerDevice = 6;

/** Sends the start-up calls of all devices of all users at once, each over six connections. */
export async function runBurst(baseUrl: string, shape: BurstShape): Promise<BurstResult> {
  const statuses = new Map<number, number>();
  const latenciesMs: number[] = [];
  const agents: Agent[] = [];
  const calls: Array<Promise<void>> = [];
  for (let user = 0; user < shape.users; user += 1) {
    for (let device = 0; device < shape.devicesPerUser; device += 1) {
      const agent = new Agent({ keepAlive: true, maxSockets: connectionsPerDevice });
      agents.push(agent);
      for (const path of startUp) {
        const target = `/ucwa/oauth/v1/applications/${1000 + user}/${path}`;
        calls.push(
          get(new URL(target, baseUrl), `cwt=sim-user${user}`, agent).then(({ status, ms }) => {
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            latenciesMs.push(ms);
          }),
        );
      }
    }
  }
  await Promise.all(calls);
  for (const agent of agents) agent.destroy();
  return { calls: calls.length, latenciesMs: latenciesMs.sort((a, b) => a - b), statuses };
}

function get(url: URL, token: string, agent: Agent): Promise<{ status: number; ms: number }> {
  return new Promise((resolve, reject) => {
    const startedAtMs = performance.now();
    request(
      url,
      { agent, headers: { Authorization: `Bearer ${token}`, Accept: 'application/json' } },
      (response) => {
        response.resume();
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, ms: performance.now() - startedAtMs }),
        );
      },
    )
      .on('error', reject)
      .end();
  });
}

/** Returns the smallest value that is not below `share` (0 to 1) of the values. */
export function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)] ?? 0;
}
