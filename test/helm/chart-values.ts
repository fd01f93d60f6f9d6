/** The table of the values of a chart for its README, and their JSON schema. */
import { readFileSync } from 'node:fs';
import { isMap, isScalar, parse, parseDocument, type YAMLMap } from 'yaml';
import { jsonSchema } from '../../src/settings/json-schema.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Schema = Readonly<Record<string, Json>>;

export const chartFile = (chart: string, file: string): URL =>
  new URL(`../../helm/${chart}/${file}`, import.meta.url);

const textOf = (chart: string): string => readFileSync(chartFile(chart, 'values.yaml'), 'utf8');

/** Names of objects that the chart passes to Kubernetes or to the program unchanged. */
const passedOn = new Set([
  'config',
  ...['commonLabels', 'podAnnotations', 'podLabels', 'nodeSelector', 'affinity', 'dnsConfig'],
  ...['labels', 'annotations', 'alertLabels', 'behavior', 'resources', 'updateStrategy'],
  ...['commonAnnotations', 'lifecycle'],
  ...['startupProbe', 'livenessProbe', 'readinessProbe', 'podSecurityContext', 'securityContext'],
]);

const port: Schema = { type: 'integer', minimum: 1, maximum: 65535 };
const seconds: Schema = { type: 'integer', minimum: 0 };
const share: Schema = { type: 'number', exclusiveMinimum: 0, maximum: 1 };
const duration: Schema = { type: 'string', pattern: '^([0-9]+(ms|s|m|h|d|w))+$' };
const wanted: Schema = { enum: [true, false, 'auto'] };
const atLeastOne: Schema = { type: 'integer', minimum: 1 };
const orNone = (schema: Schema): Schema => ({ ...schema, type: [schema['type'] ?? 'object', 'null'] });
/** Grafana allows 40 characters. */
const uid: Schema = { type: 'string', pattern: '^[A-Za-z0-9_-]{0,40}$' };
const positive: Schema = { type: 'number', exclusiveMinimum: 0 };

/**
 * Schemas by path, for values with bounds that their defaults do not show. A key without a dot applies
 * to this name at any path.
 */
const bounds: Readonly<Record<string, Schema>> = {
  config: settings(),
  'image.repository': { type: 'string', minLength: 1 },
  'image.digest': { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
  'image.pullPolicy': { enum: ['Always', 'IfNotPresent', 'Never'] },
  'ports.http': port,
  'ports.admin': port,
  'ports.plain': orNone(port),
  port,
  adminPort: port,
  replicaCount: orNone({ type: 'integer', minimum: 0 }),
  heapPercent: { type: 'integer', minimum: 10, maximum: 90 },
  preStopSleepSeconds: seconds,
  terminationGracePeriodSeconds: orNone(seconds),
  podGraceSeconds: orNone(seconds),
  'podMonitor.enabled': wanted,
  hostUsers: { type: ['boolean', 'null'] },
  dnsPolicy: { enum: ['', 'ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'] },
  'service.type': { enum: ['ClusterIP', 'NodePort', 'LoadBalancer'] },
  'service.port': port,
  'service.nodePort': orNone(port),
  'service.plainPort': port,
  'service.externalTrafficPolicy': { enum: ['', 'Cluster', 'Local'] },
  'service.internalTrafficPolicy': { enum: ['', 'Cluster', 'Local'] },
  'service.ipFamilyPolicy': { enum: ['', 'SingleStack', 'PreferDualStack', 'RequireDualStack'] },
  'service.ipFamilies': { type: 'array', items: { enum: ['IPv4', 'IPv6'] } },
  'service.trafficDistribution': {
    enum: ['', 'PreferClose', 'PreferSameZone', 'PreferSameNode'],
  },
  'service.sessionAffinity': { enum: ['', 'ClientIP', 'None'] },
  'userAffinity.provider': {
    enum: ['none', 'envoyGateway', 'istio', 'nginxIngress', 'ingressNginx'],
  },
  'userAffinity.header': { type: 'string', pattern: '^[A-Za-z0-9-]+$' },
  'podDisruptionBudget.maxUnavailable': {
    anyOf: [atLeastOne, { type: 'string', pattern: '^[0-9]+%$' }],
  },
  'podDisruptionBudget.minAvailable': {
    anyOf: [atLeastOne, { type: 'string', pattern: '^[0-9]+%$' }, { type: 'null' }],
  },
  'autoscaling.minReplicas': atLeastOne,
  'autoscaling.maxReplicas': atLeastOne,
  'autoscaling.targetCPU': { type: ['string', 'null'], pattern: '^[0-9]+m?$' },
  'autoscaling.targetCPUUtilizationPercentage': orNone({ type: 'integer', minimum: 1 }),
  'autoscaling.targetOutstandingCalls': orNone(atLeastOne),
  'metrics.serviceMonitor.enabled': wanted,
  'metrics.prometheusRule.enabled': wanted,
  'metrics.dashboard.enabled': wanted,
  'prometheusRule.enabled': wanted,
  'dashboard.enabled': wanted,
  'metrics.dashboard.uid': uid,
  'dashboard.uid': uid,
  interval: duration,
  scrapeTimeout: duration,
  window: duration,
  baseline: duration,
  for: duration,
  requestTimeout: { type: 'string', pattern: '^([0-9]+(ms|s|m|h))*$' },
  holdOverSeconds: positive,
  learnedLimit: positive,
  queueSeconds: positive,
  eventLoopLagSeconds: positive,
  extraObjects: { type: 'array', items: { type: ['string', 'object'] } },
  native: { enum: [true, false, 'auto'] },
  tag: { type: 'string' },
  monitoringNamespaces: { type: 'array', items: { type: 'string', minLength: 1 } },
};

/** Returns the JSON schema (draft-07) of a chart's values. Names that values.yaml lacks are refused. */
export function valuesSchema(chart: string): Schema {
  const schema = schemaOf(parse(textOf(chart)) as Json, '');
  const properties = schema['properties'] as Schema;
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...schema,
    // Helm passes `global` to every chart that is a dependency of another chart.
    properties: { ...properties, global: { type: 'object' } },
  };
}

function schemaOf(value: Json, path: string): Schema {
  const name = path.split('.').at(-1) ?? '';
  const bound = bounds[path] ?? bounds[name];
  if (bound !== undefined) return bound;
  if (path.includes('thresholds.')) return share;
  if (passedOn.has(name)) return { type: 'object' };
  switch (typeof value) {
    case 'boolean':
    case 'string':
      return { type: typeof value };
    case 'number':
      return { type: 'integer', minimum: 0 };
    default:
  }
  if (Array.isArray(value)) return { type: 'array' };
  if (value === null) throw new Error(`${path}: expected a schema in bounds for the default null, found none`);
  const properties = Object.entries(value).map(([key, child]) => {
    return [key, schemaOf(child, path === '' ? key : `${path}.${key}`)] as const;
  });
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  };
}

/** Returns the schema of the settings without addresses, which the chart computes from its ports. */
function settings(): Schema {
  const schema = structuredClone(jsonSchema()) as SettingsSchema;
  delete schema.$schema;
  delete schema.properties.admin.properties.address;
  delete schema.properties.listen.properties.address;
  delete schema.properties.listen.properties.plain;
  return schema as unknown as Schema;
}

interface SettingsSchema {
  $schema?: string;
  properties: Record<'admin' | 'listen', { properties: { address?: unknown; plain?: unknown } }>;
}

export interface ValueRow {
  readonly key: string;
  readonly defaultValue: string;
  readonly meaning: string;
}

/** Returns the values with their defaults, and with meanings from the `##` comments above them. */
export function valueRows(chart: string): readonly ValueRow[] {
  const root = parseDocument(textOf(chart)).contents;
  if (!isMap(root)) throw new Error('values.yaml is no mapping');
  return rowsOf(root, '');
}

function rowsOf(map: YAMLMap, path: string): ValueRow[] {
  // The yaml package attaches the comment above the first key to the mapping.
  return map.items.flatMap((pair, index) => {
    const name = isScalar(pair.key) ? String(pair.key.value) : '';
    const key = path === '' ? name : `${path}.${name}`;
    const before = (index === 0 ? map.commentBefore : undefined) ?? commentOf(pair.key);
    const lines = (before ?? '').split('\n').filter((line) => line.startsWith('#'));
    const meaning = lines.map((line) => line.slice(1).trim()).join(' ');
    const { value } = pair;
    if (isMap(value) && value.items.length > 0 && !passedOn.has(name)) {
      const own = meaning === '' ? [] : [{ key, defaultValue: '', meaning }];
      return [...own, ...rowsOf(value, key)];
    }
    const shown = JSON.stringify(isScalar(value) || isMap(value) ? value.toJSON() : value);
    return [{ key, defaultValue: shown.length > 60 ? 'see values.yaml' : shown, meaning }];
  });
}

const commentOf = (key: unknown): string | undefined =>
  isScalar(key) ? (key.commentBefore ?? undefined) : undefined;
