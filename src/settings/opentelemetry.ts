/**
 * The settings of traces from the standard variables of OpenTelemetry, which may come from an operator that adds
 * them to every pod. A value that does not fit is a warning, as OpenTelemetry demands.
 */
import { type Leaf, leaves } from './describe-settings.ts';
import { type Findings, shown, take } from './findings.ts';
import { quoted } from './quoted.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The share that each sampler takes. `undefined`: that of `OTEL_TRACES_SAMPLER_ARG`, else the setting. */
const samplers: ReadonlyMap<string, number | undefined> = new Map([
  ['always_on', 1],
  ['always_off', 0],
  ['traceidratio', undefined],
]);
const byParent = 'parentbased_';

/** Whether OpenTelemetry is turned off for this process. */
export function isDisabled(env: Env): boolean {
  const { OTEL_SDK_DISABLED: disabled = '', OTEL_TRACES_EXPORTER: exporter = '' } = env;
  return disabled.toLowerCase() === 'true' || exporter === 'none';
}

/** Adds the settings of the variables to `found`. An empty variable counts as unset. */
export function takeOpenTelemetry(found: Findings, env: Env): void {
  const warn = (name: string, what: string): void => void found.warnings.push(`${name}: ${what}`);
  const takeIfValid = (key: string, value: unknown, name: string): void => {
    const leaf = leaves.get(key) as Leaf;
    if (leaf.schema.safeParse(value).success) take(found, leaf, value, name);
    else warn(name, `expected ${leaf.accepts}, found ${shown(value, name)}, ignored`);
  };
  const all = env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '';
  const own = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? '';
  if (own !== '') takeIfValid('trace.endpoint', own, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  else if (all !== '') {
    const url = `${all.replace(/\/$/, '')}/v1/traces`;
    takeIfValid('trace.endpoint', url, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  }
  if (!found.given.has('trace.endpoint')) return;

  for (const name of ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL']) {
    if (env[name] === 'grpc') warn(name, 'grpc is not supported; traces are sent by http/json');
  }
  const sampler = env['OTEL_TRACES_SAMPLER'] ?? '';
  if (sampler === '') return;
  const kind = sampler.startsWith(byParent) ? sampler.slice(byParent.length) : sampler;
  if (!samplers.has(kind)) {
    warn(
      'OTEL_TRACES_SAMPLER',
      `expected a sampler by ratio or by parent, found ${quoted(sampler)}, ignored`,
    );
    return;
  }
  if (kind === sampler) warn('OTEL_TRACES_SAMPLER', `${sampler} is read as ${byParent}${sampler}`);
  const ratio = samplers.get(kind);
  const argument = env['OTEL_TRACES_SAMPLER_ARG'] ?? '';
  if (ratio !== undefined) takeIfValid('trace.sampleRatio', ratio, 'OTEL_TRACES_SAMPLER');
  else if (argument !== '') {
    takeIfValid('trace.sampleRatio', Number(argument), 'OTEL_TRACES_SAMPLER_ARG');
  }
}
