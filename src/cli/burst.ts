/** Clients for the demonstration: phones that start all at once and ask for what a phone asks for. */
import { Agent, request } from 'node:http';

export interface BurstShape {
  readonly users: number;
  readonly devicesPerUser: number;
}

export interface BurstResult {
  readonly calls: number;
  /** Of each call, from its sending to the last byte, ascending. */
  readonly latenciesMs: readonly number[];
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
}

/** What a client reads when it starts, below its application. */
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

/** Each device of each user sends its start-up calls at once, over six connections as phones do. */
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

/** The smallest value that at least that share (0..1) of the values does not exceed. */
export function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)] ?? 0;
}
