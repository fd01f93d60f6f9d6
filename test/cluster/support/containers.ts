/**
 * Real containers without a daemon: podman with its own storage. If the machine mounts both
 * versions of cgroups, crun starts no container. Therefore podman runs in a mount namespace that
 * has only the first version.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from '@jest/globals';
import { onCleanup } from '../../support/cleanup.ts';
import { clusterFolder, run, runWell, type Outcome } from './processes.ts';

const folder = clusterFolder;
export const image = 'localhost/ucwa-batch-proxy:test';

const buildScript = fileURLToPath(new URL('../image/build.sh', import.meta.url));
const containersConf = `[containers]
cgroups="enabled"
default_ulimits=["nofile=4096:4096","nproc=4096:4096"]
[engine]
cgroup_manager="cgroupfs"
events_logger="file"
`;
const unified = '/sys/fs/cgroup/unified';

const isThere = (program: string) =>
  spawnSync(program, ['--version'], { timeout: 10_000 }).error === undefined;

/**
 * Whether containers can run: as root, with podman and buildah. In CI the tests fail without them.
 */
export const containersCanRun =
  process.env['CI'] === 'true' ||
  (process.getuid?.() === 0 && isThere('podman') && isThere('buildah'));

export const testWithContainers = containersCanRun ? test : test.skip;

export interface Container {
  readonly name: string;
  exec(...command: string[]): Promise<Outcome>;
  logs(): Promise<string>;
  /** Id of the first process of the container, on this machine. */
  pid(): Promise<number>;
  inspect(format: string): Promise<string>;
  /**
   * Sends SIGTERM and waits.
   *
   * @returns the exit code
   */
  stop(): Promise<number>;
}

/** Builds the image if needed, and creates the namespace for all containers of a suite. */
export async function startContainers(): Promise<Containers> {
  mkdirSync(folder, { recursive: true });
  await runWell('bash', [buildScript, folder]);
  writeFileSync(join(folder, 'containers.conf'), containersConf);
  const leave = existsSync(unified) ? `umount ${unified} &&` : '';
  const holder = spawn(
    'unshare',
    [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      `${leave} echo ready && exec sleep infinity`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve());
    holder.once('exit', () => reject(new Error('no mount namespace for podman')));
  });
  return new Containers(holder.pid ?? 0, () => holder.kill());
}

export class Containers {
  readonly #namespacePid: number;
  readonly #release: () => void;
  readonly #started = new Set<string>();

  constructor(namespacePid: number, release: () => void) {
    this.#namespacePid = namespacePid;
    this.#release = release;
  }

  /** Removes the containers that this object started. Other suites may have containers too. */
  async stop(): Promise<void> {
    for (const id of this.#started) await this.podman('rm', '--force', '--time', '0', id);
    this.#release();
  }

  /**
   * Runs pods from a file with their objects, and removes them after the test.
   *
   * @returns the containers by name
   */
  async play(file: string): Promise<readonly Container[]> {
    onCleanup(() => this.podman('play', 'kube', '--down', file));
    const [, pod = ''] = /^Pod:\n(\w+)$/m.exec(
      await this.podmanWell('play', 'kube', '--replace', file),
    )!;
    const format = ['--format', '{{.Names}}'];
    const list = await this.podmanWell('ps', '--filter', `pod=${pod}`, ...format);
    const names = list.split('\n').filter((name) => name !== '' && !name.endsWith('-infra'));
    for (const name of names) this.#started.add(name);
    return names.map((name) => this.container(name));
  }

  podman(...args: string[]): Promise<Outcome> {
    const storage = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run')];
    return run(
      'nsenter',
      [
        '--mount',
        `--target=${this.#namespacePid}`,
        'podman',
        ...storage,
        '--storage-driver',
        'overlay',
        ...args,
      ],
      { env: { CONTAINERS_CONF: join(folder, 'containers.conf') } },
    );
  }

  /** Runs podman, and throws if it fails. */
  async podmanWell(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.podman(...args);
    if (code !== 0) throw new Error(`podman ${args.join(' ')}: exit ${code}\n${stderr}`);
    return stdout;
  }

  /**
   * Runs the image with the restrictions of a strict cluster, and removes the container after the
   * test.
   */
  async run(
    settings: Readonly<Record<string, string>>,
    {
      options = [],
      command = [],
    }: { options?: readonly string[]; command?: readonly string[] } = {},
  ): Promise<Container> {
    const env = Object.entries(settings).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const id = await this.podmanWell(
      ...['run', '--detach', '--network', 'host', '--no-healthcheck'],
      ...['--read-only', '--read-only-tmpfs=false', '--cap-drop', 'ALL'],
      ...['--security-opt', 'no-new-privileges', ...options, ...env, image, ...command],
    );
    const container = this.container(id.trim());
    this.#started.add(container.name);
    onCleanup(() => this.podman('rm', '--force', '--time', '0', container.name));
    return container;
  }

  /** A handle of a running container. */
  container(name: string): Container {
    const inspect = async (format: string): Promise<string> =>
      (await this.podmanWell('inspect', '--format', format, name)).trim();
    return {
      name,
      inspect,
      exec: (...command) => this.podman('exec', name, ...command),
      logs: async () => {
        const { stdout, stderr } = await this.podman('logs', name);
        return stdout + stderr;
      },
      pid: async () => Number(await inspect('{{.State.Pid}}')),
      stop: async () => {
        await this.podmanWell('stop', '--time', '40', name);
        return Number(await inspect('{{.State.ExitCode}}'));
      },
    };
  }
}
