import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { onCleanup } from '../../support/cleanup.ts';
import { freePort } from '../../support/free-port.js';
import { readAdmin, readMetrics } from '../../support/metric-values.ts';
import { startPool } from '../../support/pool.ts';
import { notes, UcwaClient } from '../../support/ucwa-client.ts';
import {
  type Container,
  type Containers,
  containersCanRun,
  startContainers,
  testWithContainers,
} from '../support/containers.ts';
import {
  chartFolder,
  helmVersion,
  type Manifest,
  pick,
  render,
  runHelm,
  testWithHelm,
} from '../support/helm.ts';
import { until } from '../support/processes.ts';
import { podsOf } from '../support/pods.ts';
import { forPodman } from './podman.ts';

const buildMs = 300_000;
const testWithBoth = testWithHelm === test ? testWithContainers : test.skip;
const canRun = containersCanRun && helmVersion !== undefined;

let containers: Containers | undefined;
beforeAll(async () => {
  if (!canRun) return;
  containers = await startContainers();
  await runHelm('dependency', 'build', chartFolder('examples/mobile-bff'));
}, buildMs);
afterAll(() => containers?.stop());

/** Runs a rendering as a pod. */
async function play(manifests: readonly Manifest[]): Promise<readonly Container[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ucwa-play-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'pods.yaml');
  writeFileSync(file, forPodman(manifests, 30));
  return containers!.play(file);
}

const untilReady = (admin: number) =>
  until(
    () => readAdmin(admin, '/readyz').catch(() => undefined),
    (answer) => answer?.status === 200,
  );

const image = { repository: 'localhost/ucwa-batch-proxy', tag: 'test' };
const batching = { mode: 'fixed', lingerMaxMs: 500, maxParts: 6 };

testWithBoth('the objects of the standalone chart run, batch and drain', async () => {
  const pool = await startPool();
  const [http, admin] = [await freePort(), await freePort()];
  const manifests = await render({
    values: {
      image,
      'config.upstream.url': pool.url,
      'config.batching': batching,
      'config.drain.delayMs': 100,
      listenHost: '127.0.0.1',
      ports: { http, admin },
    },
  });
  const played = await play(manifests);
  expect(played).toHaveLength(1);
  await untilReady(admin);
  const answers = await new UcwaClient(`http://127.0.0.1:${http}`).askAll(notes(6));
  expect(answers.map(({ status }) => status)).toEqual(Array<number>(6).fill(200));
  expect((await readMetrics(admin)).get('ucwa_proxy_upstream_requests_saved')).toBe(5);
  const container = played[0]!;
  expect(await container.inspect('{{.HostConfig.ReadonlyRootfs}} {{.Config.User}}')).toBe(
    'true 10001:10001',
  );
  expect(await container.inspect('{{.HostConfig.Memory}}')).toBe(String(256 * 1024 * 1024));
  // The question of the pod of "helm test", except for the name of the Service.
  const { args = [] } = podsOf([pick(manifests, 'Pod')])[0]!.spec.containers[0]!;
  const asked = args.map((arg) => arg.replace('ucwa-ucwa-batch-proxy-admin.ucwa.svc', '127.0.0.1'));
  expect(asked).toEqual(['probe', '--pool', `http://127.0.0.1:${admin}`]);
  expect((await container.exec('node', '/app/dist/main.js', ...asked)).code).toBe(0);
  expect(await container.stop()).toBe(0);
});

testWithBoth(
  'the sidecar of the library chart runs beside an application that calls it',
  async () => {
    const pool = await startPool();
    const [port, adminPort] = [await freePort(), await freePort()];
    // The application: the same image, which reads one resource six times at once and then waits.
    const script = `const calls = Array.from({ length: 6 }, (_, n) => fetch(
    process.env.UCWA_URL + '/ucwa/oauth/v1/applications/1045/me/note?n=' + n,
    { headers: { Authorization: 'Bearer cwt=sim-ann' } }).then(async (answer) => (await answer.text(), answer.status)));
    const statuses = await Promise.all(calls); console.log(JSON.stringify(statuses)); setInterval(() => {}, 1000);`;
    const app = `const until = async () => { for (;;) { try { return await fetch(process.env.UCWA_URL + '/') } catch { await new Promise((r) => setTimeout(r, 100)) } } }; await until(); ${script}`;
    const manifests = await render({
      chart: 'examples/mobile-bff',
      release: 'bff',
      kubeVersion: '1.33.0',
      values: {
        image: 'localhost/ucwa-batch-proxy:test',
        command: ['node', '--input-type=module', '-e', app],
        'ucwaBatch.image': image,
        'ucwaBatch.adminHost': '127.0.0.1',
        'ucwaBatch.port': port,
        'ucwaBatch.adminPort': adminPort,
        'ucwaBatch.config.upstream.url': pool.url,
        'ucwaBatch.config.batching': batching,
      },
    });
    const played = await play(manifests);
    expect(played).toHaveLength(2);
    await untilReady(adminPort);
    const application = played.find(({ name }) => name.endsWith('-app'))!;
    const logs = await until(
      () => application.logs(),
      (text) => text.includes('['),
    );
    expect(JSON.parse(logs.trim())).toEqual(Array<number>(6).fill(200));
    expect((await readMetrics(adminPort)).get('ucwa_proxy_upstream_requests_saved')).toBe(5);
  },
);
