/** Real Helm: the one that `HELM` names, else on PATH, else where `go install` puts it. */
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { run, type Outcome } from './processes.ts';

const candidates = [process.env['HELM'], 'helm', join(homedir(), 'go/bin/helm')];
const versionOf = (program: string | undefined): string | undefined => {
  const found = program === undefined ? undefined : spawnSync(program, ['version', '--short']);
  return found?.error === undefined ? found?.stdout.toString().trim() : undefined;
};
const helm = candidates.find((program) => versionOf(program) !== undefined) ?? 'helm';

/** To be shown, so that a log says with what charts were tested. */
export const helmVersion = versionOf(helm);

/** `test` where there is a Helm; in CI there always is, or the test fails. */
export const testWithHelm =
  helmVersion !== undefined || process.env['CI'] === 'true' ? test : test.skip;

/** An object as Kubernetes takes it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // The rest is of any shape: it is validated against the real type, and looked at by tests.
  readonly [field: string]: unknown;
}

export interface RenderOptions {
  /** Folder below helm/, or its absolute path. */
  readonly chart?: string;
  readonly release?: string;
  readonly kubeVersion?: string;
  readonly apiVersions?: readonly string[];
  /** Values files, absolute or below the chart. */
  readonly files?: readonly string[];
  /** As `--set-json`. */
  readonly values?: Readonly<Record<string, unknown>>;
}

export const monitoringApi = 'monitoring.coreos.com/v1';
export const gatewayApi = 'gateway.networking.k8s.io/v1';
export const upstream = { 'config.upstream.url': 'https://lyncweb.example.com' };

/** @param chart a folder below helm/, or an absolute path, which stays as it is */
export const chartFolder = (chart: string): string =>
  resolve(fileURLToPath(new URL('../../../helm', import.meta.url)), chart);

export function runHelm(...args: string[]): Promise<Outcome> {
  return run(helm, args);
}

/** What `helm template` says, right or wrong. */
export function template(options: RenderOptions): Promise<Outcome> {
  const { chart = 'ucwa-batch-proxy', release = 'ucwa', kubeVersion = '1.33.0' } = options;
  const folder = chartFolder(chart);
  return runHelm(
    ...['template', release, folder, '--namespace', 'ucwa', '--kube-version', kubeVersion],
    ...(options.apiVersions ?? []).flatMap((api) => ['--api-versions', api]),
    ...(options.files ?? []).flatMap((file) => ['--values', join(folder, file)]),
    ...Object.entries(options.values ?? {}).flatMap(([key, value]) => [
      '--set-json',
      `${key}=${JSON.stringify(value)}`,
    ]),
  );
}

/** The objects of a chart. @throws when it does not render */
export async function render(options: RenderOptions): Promise<readonly Manifest[]> {
  const { code, stdout, stderr } = await template(options);
  if (code !== 0) throw new Error(stderr);
  return parseManifests(stdout);
}

/** The objects of YAML that a tool wrote. */
export function parseManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** The first object of that kind, and of that end of its name. @throws when there is none */
export function pick(manifests: readonly Manifest[], kind: string, suffix = ''): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name.endsWith(suffix));
  if (found === undefined) throw new Error(`no ${kind} …${suffix}`);
  return found;
}
