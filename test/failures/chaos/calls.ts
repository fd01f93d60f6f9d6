/** The calls of the load, of many kinds. The answer to each call identifies the call. */
import type { CallKind } from './checker.ts';
import { userName } from './checker.ts';
import type { Expected } from './outcome.ts';

export interface PlannedCall {
  readonly kind: CallKind;
  /** Returns the request for a call with this number. */
  request(call: number): { readonly bytes: string; readonly expected: Expected };
}

interface Shape {
  /** Number of these calls in 100 calls. */
  readonly share: number;
  readonly kind: CallKind;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path below the application. */
  readonly path: (nonce: string) => string;
  readonly body?: string;
  readonly statuses: readonly number[];
  /** Returns a text that only the right body contains. */
  readonly names?: (nonce: string, user: string, path: string) => string;
}

const message = 'Content-Type: text/plain\r\n';

const shapes: readonly Shape[] = [
  {
    share: 64,
    kind: 'read',
    method: 'GET',
    path: (nonce) => `/people/${nonce}@pool.example/presence`,
    statuses: [200],
    names: (_nonce, _user, path) => `"self":{"href":"${path}"`,
  },
  // Identical calls may share a part.
  {
    share: 5,
    kind: 'anonymous',
    method: 'GET',
    path: () => '/me',
    statuses: [200],
    names: (_nonce, user) => `"sip:${user}@pool.example"`,
  },
  // This call is passed through.
  {
    share: 3,
    kind: 'read',
    method: 'GET',
    path: () => '',
    statuses: [200],
    names: (_nonce, _user, path) => `"self":{"href":"${path}"`,
  },
  // All writes of a user go to one resource, so they keep their order.
  { share: 5, kind: 'write', method: 'POST', path: () => '/me/note', body: '', statuses: [204] },
  {
    share: 10,
    kind: 'write',
    method: 'POST',
    path: (nonce) => `/communication/conversations/${nonce}/messaging/typing`,
    body: '',
    statuses: [204],
  },
  // This call starts an operation.
  {
    share: 5,
    kind: 'write',
    method: 'POST',
    path: (nonce) => `/communication/conversations/c/messaging/messages?of=${nonce}`,
    body: 'Hello',
    statuses: [201],
  },
  {
    share: 5,
    kind: 'write',
    method: 'DELETE',
    path: (nonce) => `/communication/conversations/${nonce}`,
    statuses: [204],
  },
  // The resource refuses a write without If-Match.
  {
    share: 3,
    kind: 'write',
    method: 'PUT',
    path: () => '/me/callForwardingSettings',
    body: '{}',
    statuses: [428],
  },
];

/** The shape of each of 100 calls. */
const lots = shapes.flatMap((shape) => Array<Shape>(shape.share).fill(shape));

/** Returns a random call of that user. */
export function planCall(user: number, random: () => number): PlannedCall {
  const shape = lots[Math.floor(random() * lots.length)]!;
  const { kind, method, body, statuses } = shape;
  return {
    kind,
    request(call) {
      const nonce = `n${call}`;
      const path = `/ucwa/oauth/v1/applications/${1000 + user}${shape.path(nonce)}`;
      const isNamed = kind !== 'anonymous';
      const bytes =
        `${method} ${path} HTTP/1.1\r\nHost: proxy.example\r\n` +
        `Authorization: Bearer cwt=sim-${userName(user)}\r\nAccept: application/json\r\n` +
        (isNamed ? `X-Nonce: ${nonce}\r\n` : '') +
        (body === undefined ? '\r\n' : `${message}Content-Length: ${body.length}\r\n\r\n${body}`);
      const inBody = shape.names?.(nonce, userName(user), path);
      return { bytes, expected: { nonce: isNamed ? nonce : undefined, statuses, inBody } };
    },
  };
}
