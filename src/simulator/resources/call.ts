/** Types and helpers for the handlers of resources. */
import { type FlatHeaders, headerValue } from '../representation/headers.ts';
import type { Outcome } from '../representation/outcome.ts';
import type { Application } from '../pool/state.ts';

export interface Call {
  readonly application: Application;
  /** Path of the application, for example `/ucwa/oauth/v1/applications/104209230921`. */
  readonly base: string;
  readonly method: string;
  /** Decoded path segments by their names in the route's template. */
  readonly params: Readonly<Record<string, string>>;
  /** Query without the question mark, as it was sent. */
  readonly rawQuery: string;
  readonly headers: FlatHeaders;
  readonly body: Buffer;
}

type Handler = (call: Call) => Outcome;

/** One resource below an application, with a handler for each method. */
export interface Route {
  /** Path below the application. A segment in braces matches any text: `people/{sip}/note`. */
  readonly template: string;
  readonly methods: Readonly<Partial<Record<'GET' | 'POST' | 'PUT' | 'DELETE', Handler>>>;
}

/** The parts of a POST that can contain input. */
export type Input = Pick<Call, 'rawQuery' | 'headers' | 'body'>;

/** Returns the query parameter with this name; letter case does not matter. */
export function queryOf(call: Pick<Call, 'rawQuery'>, name: string): string | undefined {
  for (const [key, value] of new URLSearchParams(call.rawQuery)) {
    if (key.toLowerCase() === name.toLowerCase()) return value;
  }
  return undefined;
}

function jsonValue(body: string, name: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const fields = Object.entries(parsed) as Array<[string, unknown]>;
  return fields.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

function jsonField(body: string, name: string): string | undefined {
  const value = jsonValue(body, name);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function xmlField(body: string, name: string): string | undefined {
  const properties = body.matchAll(/<property\s+name="([^"]*)"\s*>([^<]*)</g);
  for (const [, key = '', value] of properties) {
    if (key.toLowerCase() === name.toLowerCase()) return value;
  }
  return undefined;
}

/** Returns the input with this name from the query, or else from the JSON or XML body. */
export function inputOf(call: Input, name: string): string | undefined {
  const fromQuery = queryOf(call, name);
  if (fromQuery !== undefined) return fromQuery;
  const type = headerValue(call.headers, 'content-type') ?? '';
  if (/json/i.test(type)) return jsonField(call.body.toString(), name);
  if (/xml/i.test(type)) return xmlField(call.body.toString(), name);
  return undefined;
}

/** Returns the list with this name from the JSON or XML body. */
export function listInputOf(call: Input, name: string): string[] | undefined {
  const body = call.body.toString();
  if (/xml/i.test(headerValue(call.headers, 'content-type') ?? '')) {
    const list = new RegExp(`<propertyList\\s+name="${name}"\\s*>(.*?)</propertyList>`, 'is').exec(
      body,
    );
    return list === null
      ? undefined
      : [...(list[1] ?? '').matchAll(/<item>([^<]*)</g)].map(([, item = '']) => item);
  }
  const value = jsonValue(body, name);
  return Array.isArray(value) ? value.map(String) : undefined;
}

type Links = Readonly<Record<string, { readonly href?: unknown } | undefined>>;

/** Returns the href of the link `rel` in the JSON body. */
export function linkInputOf(call: Input, rel: string): string | undefined {
  const links = jsonValue(call.body.toString(), '_links') as Links | undefined;
  const href = links?.[rel]?.href;
  return typeof href === 'string' ? href : undefined;
}

/** Returns `operationId` or `operationContext` with its value, if the client sent one of them. */
export function operationOf(call: Call): Record<string, string> {
  for (const name of ['operationId', 'operationContext']) {
    const value = inputOf(call, name);
    if (value !== undefined) return { [name]: value };
  }
  return {};
}
