/**
 * The origins of web pages that may call the pool: the list of allowed domains of a real pool.
 *
 * The XFrame page names the origin of its parent in `X-Ms-Origin`. A browser names the origin of a
 * cross-origin call in `Origin`; the answer then has the fields of CORS.
 */
import { headerValue, type FlatHeaders } from '../representation/headers.ts';
import type { Outcome } from '../representation/outcome.ts';
import { page } from './pages.ts';

const exposed =
  'X-Ms-diagnostics, X-MS-Server-Fqdn, X-MS-Correlation-Id, client-request-id, ETag, Location';

const refused = page(403, '<h2>403 - Forbidden: Access is denied.</h2>', [
  'X-Ms-diagnostics',
  '28070;source="fe01.pool.example";reason="Service does not allow a cross domain request from this origin."',
]);

export class Origins {
  readonly #allowed: ReadonlySet<string> | undefined;

  /** @param allowed origins, or `*` for any. Undefined: no CORS, and any `X-Ms-Origin`. */
  constructor(allowed: readonly string[] | undefined) {
    this.#allowed = allowed && new Set(allowed.map((origin) => origin.toLowerCase()));
  }

  /** Returns the answer to a request of a page from an origin that is not allowed. */
  refusal(headers: FlatHeaders): Outcome | undefined {
    const origin = headerValue(headers, 'x-ms-origin');
    return this.#allowed && origin !== undefined && !this.#isAllowed(origin) ? refused : undefined;
  }

  /** Returns the fields of an answer to a cross-origin call. A pool answers a batch with them once. */
  fields(headers: FlatHeaders): string[] {
    const origin = headerValue(headers, 'origin');
    if (origin === undefined || !this.#isAllowed(origin)) return [];
    return [
      ...['Access-Control-Allow-Origin', origin],
      ...['Access-Control-Allow-Credentials', 'true'],
      ...['Access-Control-Expose-Headers', exposed],
      ...['Timing-Allow-Origin', origin],
      ...['Vary', 'Origin'],
    ];
  }

  /** Returns further fields of the answer to a preflight request. */
  preflightFields(headers: FlatHeaders): string[] {
    const asked = headerValue(headers, 'access-control-request-headers');
    if (this.fields(headers).length === 0) return [];
    return [
      ...['Access-Control-Allow-Methods', 'GET, POST, PUT, DELETE, OPTIONS'],
      ...(asked === undefined ? [] : ['Access-Control-Allow-Headers', asked]),
      ...['Access-Control-Max-Age', '3600'],
    ];
  }

  #isAllowed(origin: string): boolean {
    const allowed = this.#allowed;
    return allowed !== undefined && (allowed.has('*') || allowed.has(origin.toLowerCase()));
  }
}
