/**
 * The types of a Kubernetes API server, from its sources: OpenAPI of each release from its Go
 * module, and custom resources from the modules of their operators. Unknown fields are errors, as
 * with `kubectl apply --validate=strict`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from './helm.ts';
import { runWell } from './processes.ts';

/** The releases that the charts are validated for. `.ci/cluster` reads the module names here. */
export const releases = {
  '1.25': 'k8s.io/kubernetes@v1.25.16',
  '1.28': 'k8s.io/kubernetes@v1.28.15',
  '1.29': 'k8s.io/kubernetes@v1.29.15',
  '1.33': 'k8s.io/kubernetes@v1.33.5',
} as const;
export type Release = keyof typeof releases;

const customResources: ReadonlyArray<readonly [module: string, folder: string]> = [
  ['github.com/prometheus-operator/prometheus-operator@v0.85.0', 'example/prometheus-operator-crd'],
  ['github.com/kedacore/keda/v2@v2.21.0', 'config/crd/bases'],
  ['sigs.k8s.io/gateway-api@v1.4.0', 'config/crd/standard'],
  ['istio.io/api@v1.31.1', 'kubernetes'],
  ['github.com/envoyproxy/gateway@v1.9.1', 'charts/gateway-helm/charts/crds/crds/generated'],
];

interface OpenApi {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}
interface Schema {
  readonly [keyword: string]: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
}
interface CustomResource {
  readonly kind: string;
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: ReadonlyArray<{
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }>;
  };
}

/** Custom resources by `group/version Kind`, the same for all releases. */
let loadedCustom: Promise<ReadonlyMap<string, Schema>> | undefined;

async function loadCustom(): Promise<ReadonlyMap<string, Schema>> {
  const custom = new Map<string, Schema>();
  for (const [module, place] of customResources) {
    for (const file of filesIn(join(await moduleFolder(module), place))) {
      for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
        const resource = document.toJS() as CustomResource | null;
        if (resource?.kind !== 'CustomResourceDefinition') continue;
        const { group, names, versions } = resource.spec;
        for (const { name, schema } of versions) {
          custom.set(`${group}/${name} ${names.kind}`, schema.openAPIV3Schema);
        }
      }
    }
  }
  return custom;
}

export class KubernetesTypes {
  readonly #openApiFolder: string;
  readonly #custom: ReadonlyMap<string, Schema>;
  readonly #validators = new Map<string, ValidateFunction>();
  readonly #ajv = new Ajv({
    strict: false,
    validateFormats: false,
    allErrors: true,
    logger: false,
  });

  /** Downloads missing modules. */
  static async load(release: Release): Promise<KubernetesTypes> {
    const folder = await moduleFolder(releases[release]);
    loadedCustom ??= loadCustom();
    return new KubernetesTypes(join(folder, 'api/openapi-spec/v3'), await loadedCustom);
  }

  private constructor(openApiFolder: string, custom: ReadonlyMap<string, Schema>) {
    this.#openApiFolder = openApiFolder;
    this.#custom = custom;
  }

  /** The reasons why a server would reject the object, if any. */
  complaints(manifest: Manifest): readonly string[] {
    const { apiVersion, kind, metadata } = manifest;
    const validate = this.#validator(apiVersion, kind);
    if (validate === undefined) return [`${apiVersion} ${kind}: not a type of this release`];
    if (validate(manifest)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message = '', params }) =>
        `${kind} ${metadata.name}${instancePath}: ${message} ${JSON.stringify(params)}`,
    );
  }

  #validator(apiVersion: string, kind: string): ValidateFunction | undefined {
    const type = `${apiVersion} ${kind}`;
    const known = this.#validators.get(type);
    if (known !== undefined) return known;
    const custom = this.#custom.get(type);
    const made =
      custom === undefined
        ? this.#builtIn(apiVersion, kind)
        : this.#ajv.compile(closed(custom, true));
    if (made !== undefined) this.#validators.set(type, made);
    return made;
  }

  #builtIn(apiVersion: string, kind: string): ValidateFunction | undefined {
    const file = apiVersion.includes('/')
      ? `apis__${apiVersion.replace('/', '__')}`
      : `api__${apiVersion}`;
    let openApi: OpenApi;
    try {
      openApi = JSON.parse(
        readFileSync(join(this.#openApiFolder, `${file}_openapi.json`), 'utf8'),
      ) as OpenApi;
    } catch {
      return undefined;
    }
    const { schemas } = openApi.components;
    const name = Object.keys(schemas).find((key) => {
      const kinds = schemas[key]?.['x-kubernetes-group-version-kind'] as
        ReadonlyArray<{ group: string; version: string; kind: string }> | undefined;
      return kinds?.length === 1 && kinds[0]?.kind === kind;
    });
    if (name === undefined) return undefined;
    const components = {
      schemas: Object.fromEntries(
        Object.entries(schemas).map(([key, schema]) => [key, closed(schema, false)]),
      ),
    };
    return this.#ajv.compile({ components, $ref: `#/components/schemas/${name}` });
  }
}

/** The schema as Kubernetes applies it: no properties other than those it names. */
function closed(schema: Schema, isRoot: boolean): Schema {
  const known = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema['x-kubernetes-int-or-string'] === true || schema['format'] === 'int-or-string') {
    return { type: ['integer', 'string'] };
  }
  // Go's regular expressions may contain flags, and JavaScript's may not.
  const isForeign = ([keyword, value]: [string, unknown]) =>
    keyword === 'pattern' && String(value).includes('(?i)');
  const keywords = Object.entries(schema).filter((entry) => !isForeign(entry));
  const copy = Object.fromEntries(
    keywords.map(([keyword, value]) => {
      if (keyword === 'properties') return [keyword, eachClosed(value as Record<string, Schema>)];
      if (['items', 'additionalProperties'].includes(keyword) && typeof value === 'object') {
        return [keyword, closed(value as Schema, false)];
      }
      return [keyword, value];
    }),
  );
  const { properties } = copy as Schema;
  if (properties === undefined || known || 'additionalProperties' in copy) return copy;
  if (isRoot) {
    // A custom resource's schema may leave out the fields that every object has.
    const any = { type: 'object' };
    copy['properties'] = { apiVersion: {}, kind: {}, status: any, ...properties, metadata: any };
  }
  return { ...copy, additionalProperties: false };
}

const eachClosed = (properties: Readonly<Record<string, Schema>>): Record<string, Schema> =>
  Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, closed(one, false)]));

function filesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(folder, name));
}

async function moduleFolder(module: string): Promise<string> {
  const said = await runWell('go', ['mod', 'download', '-json', module], { cwd: '/' });
  return (JSON.parse(said) as { Dir: string }).Dir;
}
