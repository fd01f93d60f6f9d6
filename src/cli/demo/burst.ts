/** Simulated phones for the demo, which all start at once. */
import { Agent, request } from 'node:http';
import type { Scene } from './scenes.ts';

/** An answer that a simulated phone got. */
export interface BurstAnswer {
  readonly path: string;
  readonly status: number;
  /** Time until the last byte of the answer. */
  readonly ms: number;
}

const connectionsPerDevice = 6;

/** Sends the calls of all devices of all users at once, each device over six connections. */
export async function runBurst(baseUrl: string, scene: Scene): Promise<readonly BurstAnswer[]> {
  const agents: Agent[] = [];
  const calls: Array<Promise<BurstAnswer>> = [];
  for (let i = 0; i < scene.users; i += 1) {
    const user = scene.firstUser + i;
    for (let device = 0; device < scene.devicesPerUser; device += 1) {
      const agent = new Agent({ keepAlive: true, maxSockets: connectionsPerDevice });
      agents.push(agent);
      for (const path of scene.paths) {
        const url = new URL(`/ucwa/oauth/v1/applications/${1000 + user}/${path}`, baseUrl);
        calls.push(get(url, `cwt=sim-user${user}`, agent).then((answer) => ({ path, ...answer })));
      }
    }
  }
  try {
    return await Promise.all(calls);
  } finally {
    for (const agent of agents) agent.destroy();
  }
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
