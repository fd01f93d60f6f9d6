/** The answer of a resource, before it is written as JSON or XML. */
import type { EventSet } from './event-set.ts';
import type { Resource } from './resource.ts';

/** The body of an error answer of UCWA. Clients can rely only on the code. */
interface ErrorContent {
  readonly kind: 'error';
  readonly code: string;
  readonly subcode?: string;
  readonly message: string;
}

export type Content =
  | { readonly kind: 'none' }
  | { readonly kind: 'resource'; readonly resource: Resource }
  | { readonly kind: 'events'; readonly events: EventSet }
  | { readonly kind: 'bytes'; readonly contentType: string; readonly bytes: Buffer }
  | ErrorContent;

export interface Outcome {
  readonly status: number;
  readonly content: Content;
  /** `Location` of the created resource, in the form of `Resource.href`. */
  readonly location?: string;
  /** Additional header fields, names and values in turn. */
  readonly headers?: readonly string[];
}

export const noContent: Outcome = { status: 204, content: { kind: 'none' } };

/** Returns 200 with this resource. */
export function found(resource: Resource): Outcome {
  return { status: 200, content: { kind: 'resource', resource } };
}

/** Returns 201 with a Location and an empty body, as at the start of an operation. */
export function started(location: string): Outcome {
  return { status: 201, content: { kind: 'none' }, location };
}

/** UCWA's code for each status (UCWA documentation, errors and informational messages). */
const codes: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  408: 'ClientTimeout',
  409: 'Conflict',
  410: 'Gone',
  412: 'PreconditionFailed',
  413: 'EntityTooLarge',
  415: 'UnsupportedMediaType',
  428: 'PreconditionRequired',
  429: 'TooManyRequests',
  500: 'ServiceFailure',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** Returns an error answer. */
export function failed(status: number, subcode?: string, message?: string): Outcome {
  const code = codes[status] ?? 'ServiceFailure';
  return {
    status,
    content: {
      kind: 'error',
      code,
      ...(subcode === undefined ? {} : { subcode }),
      message: message ?? `The simulated pool answers ${subcode ?? code}.`,
    },
  };
}
