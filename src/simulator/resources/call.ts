/** Types and helpers for the handlers of resources. */
import { type FlatHeaders, headerValue } from '../representation/headers.ts';
import type { Outcome } from '../representation/outcome.ts';
import type { Application } from '../pool/pool.ts';

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

function jsonField(body: string, name: string): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  for (const [key, value] of Object.entries(parsed) as Array<[string, unknown]>) {
    if (key.toLowerCase() !== name.toLowerCase()) continue;
    if (typeof value === 'string' || typeof value === 'number') return String(value);
  }
  return undefined;
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

/** Returns `operationId` or `operationContext` with its value, if the client sent one of them. */
export function operationOf(call: Call): Record<string, string> {
  for (const name of ['operationId', 'operationContext']) {
    const value = inputOf(call, name);
    if (value !== undefined) return { [name]: value };
  }
  return {};
}
