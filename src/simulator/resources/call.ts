/** One call to a resource of an application, as its handler sees it. */
import { type FlatHeaders, headerValue } from '../representation/headers.ts';
import type { Outcome } from '../representation/outcome.ts';
import type { Application } from '../pool/pool.ts';

export interface Call {
  readonly application: Application;
  /** Path of the application, as in `/ucwa/oauth/v1/applications/104209230921`. */
  readonly base: string;
  readonly method: string;
  /** What stands for the braces of the route's template, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** What follows the question mark, as it was sent. */
  readonly rawQuery: string;
  readonly headers: FlatHeaders;
  readonly body: Buffer;
}

type Handler = (call: Call) => Outcome;

/** One resource: where it is below the application, and what answers each method. */
export interface Route {
  /** `people/{sip}/note`: segments in braces stand for any. */
  readonly template: string;
  readonly methods: Readonly<Partial<Record<'GET' | 'POST' | 'PUT' | 'DELETE', Handler>>>;
}

/** Where a POST's input may come from. */
export type Input = Pick<Call, 'rawQuery' | 'headers' | 'body'>;

/** The query parameter of that name, in any case of its letters. */
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

/** A POST's input of that name, which may come in its query or in its JSON or XML body. */
export function inputOf(call: Input, name: string): string | undefined {
  const fromQuery = queryOf(call, name);
  if (fromQuery !== undefined) return fromQuery;
  const type = headerValue(call.headers, 'content-type') ?? '';
  if (/json/i.test(type)) return jsonField(call.body.toString(), name);
  if (/xml/i.test(type)) return xmlField(call.body.toString(), name);
  return undefined;
}

/** `operationId` or `operationContext`, by the name under which the client gave it. */
export function operationOf(call: Call): Record<string, string> {
  for (const name of ['operationId', 'operationContext']) {
    const value = inputOf(call, name);
    if (value !== undefined) return { [name]: value };
  }
  return {};
}
