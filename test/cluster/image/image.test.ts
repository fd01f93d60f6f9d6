import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { freePort } from '../../support/free-port.js';
import { readAdmin, readMetrics } from '../../support/metric-values.ts';
import { startPool } from '../../support/pool.ts';
import { app, notes, UcwaClient } from '../../support/ucwa-client.ts';
import {
  image,
  containersCanRun,
  startContainers,
  testWithContainers,
  type Container,
  type Containers,
} from '../support/containers.ts';
import { until } from '../support/processes.ts';

const MiB = 1024 * 1024;
const buildMs = 300_000;

let containers: Containers | undefined;
beforeAll(async () => {
  if (containersCanRun) containers = await startContainers();
}, buildMs);
afterAll(() => containers?.stop());

interface Serving {
  readonly container: Container;
  readonly url: string;
  readonly admin: number;
}

/** Starts the image in front of that pool, and resolves when it serves. */
async function serve(
  poolUrl: string,
  settings: Readonly<Record<string, string>> = {},
  options: readonly string[] = [],
): Promise<Serving> {
  const [listen, admin] = [await freePort(), await freePort()];
  const container = await containers!.run(
    {
      UCWA_PROXY_LISTEN_ADDRESS: `127.0.0.1:${listen}`,
      UCWA_PROXY_ADMIN_ADDRESS: `127.0.0.1:${admin}`,
      UCWA_PROXY_UPSTREAM_URL: poolUrl,
      ...settings,
    },
    { options },
  );
  await until(
    () => readAdmin(admin, '/readyz').catch(() => undefined),
    (answer) => answer?.status === 200,
  );
  return { container, url: `http://127.0.0.1:${listen}`, admin };
}

const batchesOfTen = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '10',
};

describe('the image', () => {
  testWithContainers('is less than 10 MB larger than its base, and has labels', async () => {
    const sizeOf = async (name: string) =>
      Number(await containers!.podmanWell('image', 'inspect', '--format', '{{.Size}}', name));
    const base = 'docker.io/library/node:24-bookworm-slim';
    expect((await sizeOf(image)) - (await sizeOf(base))).toBeLessThan(10 * MiB);
    const [{ Config, Healthcheck }] = JSON.parse(
      await containers!.podmanWell('image', 'inspect', image),
    ) as [{ Config: unknown; Healthcheck: unknown }];
    expect(Healthcheck).toMatchObject({
      Test: ['CMD', 'node', '/app/dist/main.js', 'probe', 'http://127.0.0.1:9464'],
    });
    expect(Config).toMatchObject({
      User: '10001:10001',
      Entrypoint: ['node', '/app/dist/main.js'],
      Cmd: ['serve'],
      ExposedPorts: { '8080/tcp': {}, '9464/tcp': {} },
      Env: expect.arrayContaining(['UCWA_PROXY_LISTEN_ADDRESS=0.0.0.0:8080']) as unknown,
      Labels: {
        'org.opencontainers.image.title': 'ucwa-batch-proxy',
        'org.opencontainers.image.revision': 'test',
      },
    });
  });

  testWithContainers('contains only the files that it needs to run', async () => {
    const list = await containers!.podmanWell(
      ...['run', '--rm', '--network', 'none', '--entrypoint', 'node', image],
      ...['-e', 'console.log(fs.readdirSync(".").join(), fs.readdirSync("dist").join())'],
    );
    expect(list).toBe('dist,package.json bundle,main.js\n');
  });

  testWithContainers('has the version in package.json', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
    ) as { version: string };
    expect(
      await containers!.podmanWell('run', '--rm', '--network', 'none', image, '--version'),
    ).toBe(`${version}\n`);
    expect(
      await containers!.podmanWell(
        ...['image', 'inspect', '--format'],
        ...['{{index .Labels "org.opencontainers.image.version"}}', image],
      ),
    ).toBe(`${version}\n`);
  });
});

describe('a container', () => {
  testWithContainers(
    'runs as an unprivileged user, without capabilities and without a writable folder',
    async () => {
      const pool = await startPool();
      const { container } = await serve(pool.url);
      const status = readFileSync(`/proc/${await container.pid()}/status`, 'utf8');
      const field = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)?.[1];
      expect(field('Uid')).toBe('10001\t10001\t10001\t10001');
      expect(field('Gid')).toBe('10001\t10001\t10001\t10001');
      expect(Number(field('CapEff'))).toBe(0);
      expect(Number(field('CapBnd'))).toBe(0);
      expect(field('NoNewPrivs')).toBe('1');
      for (const place of ['/app', '/tmp', '/home/node', '/dev/shm/..']) {
        const { stderr } = await container.exec('node', '-e', `fs.writeFileSync("${place}/x","")`);
        expect([place, /EROFS|EACCES/.test(stderr)]).toEqual([place, true]);
      }
    },
  );

  testWithContainers('serves, batches, and passes its own health check', async () => {
    const pool = await startPool();
    const { container, url, admin } = await serve(pool.url, batchesOfTen);
    const answers = await new UcwaClient(url).askAll(notes(10));
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(10).fill(200));
    const metrics = await readMetrics(admin);
    expect(metrics.get('ucwa_proxy_batch_parts_sum')).toBe(10);
    expect(metrics.get('ucwa_proxy_batch_parts_count')).toBe(1);
    expect(metrics.get('ucwa_proxy_upstream_requests_saved')).toBe(9);
    const probe = (port: number) =>
      container.exec('node', '/app/dist/main.js', 'probe', `http://127.0.0.1:${port}`);
    expect(await probe(admin)).toMatchObject({ code: 0, stdout: expect.stringMatching(/ready/) });
    expect((await probe(await freePort())).code).toBe(1);
  });

  testWithContainers('drains on SIGTERM as process 1: calls in flight are answered', async () => {
    const pool = await startPool({ latency: 1000 });
    const { container, url } = await serve(pool.url, { UCWA_PROXY_DRAIN_DELAY_MS: '200' });
    const client = new UcwaClient(url);
    const underWay = client.ask(`${app}/me/note`);
    const poll = client.ask(`${app}/events?ack=1`).catch(() => undefined);
    await until(
      () => pool.ledger.requests().length,
      (count) => count >= 2,
    );
    const code = await container.stop();
    expect((await underWay).status).toBe(200);
    expect((await poll)?.status).toBe(503);
    expect(code).toBe(0);
    expect(await container.logs()).toContain('"msg":"stopped"');
  });

  testWithContainers(
    'stays within 128 MB under load, with a health check in parallel',
    async () => {
      const pool = await startPool();
      const { container, url, admin } = await serve(pool.url, {}, ['--memory', '128m']);
      const users = 100;
      const rounds = 12;
      const callsEach = 6;
      const body = 'x'.repeat(30_000);
      let answered = 0;
      const load = { goesOn: true };
      const oneUser = async (user: number): Promise<void> => {
        const client = new UcwaClient(url);
        const token = `cwt=sim-u${user}`;
        for (let round = 0; round < rounds; round += 1) {
          const gets = client.askAll(notes(callsEach), { token });
          const post = client.ask(`${app}/me/reportMyActivity`, { method: 'POST', token, body });
          const statuses = [...(await gets), await post].map(({ status }) => status);
          answered += statuses.length;
          for (const status of statuses)
            if (status >= 500 && status !== 503) throw new Error(`${status}`);
        }
      };
      const probes = (async () => {
        const codes = new Set<number>();
        while (load.goesOn) {
          const args = ['/app/dist/main.js', 'probe', `http://127.0.0.1:${admin}`];
          codes.add((await container.exec('node', ...args)).code);
        }
        return codes;
      })();
      await Promise.all(Array.from({ length: users }, (_, user) => oneUser(user)));
      load.goesOn = false;
      expect(await probes).toEqual(new Set([0]));
      expect(answered).toBe(users * rounds * (callsEach + 1));
      expect(await container.inspect('{{.State.OOMKilled}} {{.State.Running}}')).toBe('false true');
      const metrics = await readMetrics(admin);
      expect(metrics.get('ucwa_proxy_upstream_requests_saved')).toBeGreaterThan(0);
      expect(await container.stop()).toBe(0);
    },
    180_000,
  );
});
