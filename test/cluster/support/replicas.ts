import { startApp, type App } from '../../../src/app/app.ts';
import { createLog } from '../../../src/log/log.ts';
import { loadServeSettings } from '../../../src/settings/load-settings.ts';
import { onCleanup } from '../../support/cleanup.ts';
import { freePort } from '../../support/free-port.js';
import type { UcwaClient } from '../../support/ucwa-client.ts';

/** One of several proxies. It keeps its address when it is stopped and started again. */
export class Replica {
  readonly port: number;
  readonly adminPort: number;
  readonly #poolUrl: string;
  readonly #env: Readonly<Record<string, string>>;
  #app: App | undefined;

  static async start(poolUrl: string, env: Readonly<Record<string, string>>): Promise<Replica> {
    const replica = new Replica(poolUrl, env, await freePort(), await freePort());
    await replica.start();
    onCleanup(() => replica.stop());
    return replica;
  }

  private constructor(
    poolUrl: string,
    env: Readonly<Record<string, string>>,
    port: number,
    adminPort: number,
  ) {
    this.#poolUrl = poolUrl;
    this.#env = env;
    this.port = port;
    this.adminPort = adminPort;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const loaded = loadServeSettings({
      flags: {
        upstream: this.#poolUrl,
        listen: `127.0.0.1:${this.port}`,
        admin: `127.0.0.1:${this.adminPort}`,
      },
      env: { UCWA_PROXY_DRAIN_DELAY_MS: '0', UCWA_PROXY_LOG_LEVEL: 'silent', ...this.#env },
      readFile: () => '',
    });
    if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
    const log = createLog(loaded.settings.log, { write: () => undefined });
    this.#app = await startApp(loaded.settings, { log, version: '0.0.0-test' });
  }

  async stop(): Promise<void> {
    await this.#app?.abort();
    this.#app = undefined;
  }
}

/** Number of calls that one user makes at once. */
export const callsAtOnce = 5;

/** Settings with which `callsAtOnce` calls of a user at one proxy make exactly one batch. */
export const oneBatchEach = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: String(callsAtOnce),
};

export interface User {
  readonly application: string;
  /** Tokens of one user, because clients refresh tokens. */
  readonly tokens: readonly string[];
}

export const users = (count: number): User[] =>
  Array.from({ length: count }, (_, i) => ({
    application: `10${i}`,
    tokens: ['morning', 'noon', 'evening'].map((time) => `cwt=sim-u${i}-${time}`),
  }));

/**
 * Makes several calls of one user at once.
 *
 * @returns their statuses
 */
export async function callAtOnce(client: UcwaClient, user: User, token: string): Promise<number[]> {
  const targets = Array.from(
    { length: callsAtOnce },
    (_, n) => `/ucwa/oauth/v1/applications/${user.application}/me/note?n=${n}`,
  );
  return (await client.askAll(targets, { token })).map(({ status }) => status);
}
