/** The standard variables of OpenTelemetry as a source of settings. */
import { describe, expect, test } from '@jest/globals';
import { load, settingsOf } from './load.ts';

const all = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const own = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';

function traceOf(env: Record<string, string>, file = '') {
  return settingsOf({ env, file }).trace;
}

function warningsOf(env: Record<string, string>): readonly string[] {
  const loaded = load({ env });
  return loaded.ok ? loaded.warnings : loaded.problems;
}

describe('the endpoint', () => {
  test.each([
    [{ [all]: 'http://c:4318' }, 'http://c:4318/v1/traces'],
    [{ [all]: 'http://c:4318/' }, 'http://c:4318/v1/traces'],
    [{ [all]: 'https://c/otlp' }, 'https://c/otlp/v1/traces'],
    [{ [own]: 'http://c:4318/spans' }, 'http://c:4318/spans'],
    [{ [all]: 'http://a:1', [own]: 'http://b:2/v1/traces' }, 'http://b:2/v1/traces'],
    [{ [all]: 'http://a:1', UCWA_PROXY_TRACE_ENDPOINT: 'http://b:2' }, 'http://b:2/v1/traces'],
    [{ [all]: '' }, undefined],
    [{ [all]: 'http://c', OTEL_SDK_DISABLED: 'true' }, undefined],
    [{ [all]: 'http://c', OTEL_TRACES_EXPORTER: 'none' }, undefined],
    [{ UCWA_PROXY_TRACE_ENDPOINT: 'http://c', OTEL_SDK_DISABLED: 'TRUE' }, undefined],
  ])('of %j is %j', (env, expected) => {
    expect(traceOf(env).endpoint).toBe(expected);
  });

  test('of a variable overrides that of the file', () => {
    const file = 'trace: { endpoint: "http://file:1" }';
    expect(traceOf({ [all]: 'http://c:4318' }, file).endpoint).toBe('http://c:4318/v1/traces');
  });

  test('with a credential or without a scheme is a warning, and is not shown', () => {
    const warnings = warningsOf({ [all]: 'http://me:hunter2@c:4318' });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL such as /);
    expect(warnings[0]).not.toContain('hunter2');
    expect(warningsOf({ [own]: 'c:4318' })).toHaveLength(1);
  });

  test('with grpc as its protocol is a warning', () => {
    const warnings = warningsOf({ [all]: 'http://c:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
    expect(warnings).toEqual([
      'OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not supported; traces are sent by http/json',
    ]);
  });
});

describe('the sampler', () => {
  const sampled = (sampler: string, argument = '') =>
    traceOf({
      [all]: 'http://c:4318',
      OTEL_TRACES_SAMPLER: sampler,
      OTEL_TRACES_SAMPLER_ARG: argument,
    }).sampleRatio;

  test.each([
    ['parentbased_always_on', '', 1],
    ['parentbased_always_off', '', 0],
    ['parentbased_traceidratio', '0.25', 0.25],
    ['traceidratio', '0.5', 0.5],
    ['parentbased_traceidratio', '', 0.01],
    ['parentbased_traceidratio', '7', 0.01],
    ['jaeger_remote', '', 0.01],
  ])('%s with the argument %j takes the share %d', (sampler, argument, expected) => {
    expect(sampled(sampler, argument)).toBe(expected);
  });

  test('follows the parent in any case, and says so', () => {
    expect(warningsOf({ [all]: 'http://c', OTEL_TRACES_SAMPLER: 'always_on' })).toEqual([
      'OTEL_TRACES_SAMPLER: always_on is read as parentbased_always_on',
    ]);
  });
});

test('trace.sampleRatio takes decimal numbers from a variable', () => {
  expect(traceOf({ UCWA_PROXY_TRACE_SAMPLE_RATIO: '0.125' }).sampleRatio).toBe(0.125);
  expect(load({ env: { UCWA_PROXY_TRACE_SAMPLE_RATIO: '1.1' } }).ok).toBe(false);
});
