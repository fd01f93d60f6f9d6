/** Runs a single call or a part below an application: finds its route, waits, records it in the ledger. */
import { type Answer, toAnswer } from '../representation/answer.ts';
import type { Call } from './call.ts';
import type { CredentialKind } from '../sign-in/credentials.ts';
import { type FlatHeaders, headerValue } from '../representation/headers.ts';
import type { Ledger } from '../pool/request-log.ts';
import { failed, type Outcome } from '../representation/outcome.ts';
import type { Application } from '../pool/state.ts';
import type { RouteMatch, Routes } from './routes.ts';

/** Highest revision of resources that the pool supports. */
const highestRevision = 2;

/** A call, with the request that contained it. */
export interface IncomingCall {
  readonly application: Application;
  readonly base: string;
  readonly path: readonly string[];
  readonly rawQuery: string;
  readonly method: string;
  readonly target: string;
  readonly headers: FlatHeaders;
  readonly body: Buffer;
  readonly credential: CredentialKind;
  readonly requestId: number;
  /** Position in its batch; undefined for a single call. */
  readonly position: number | undefined;
}

export class CallRunner {
  readonly #routes: Routes;
  readonly #ledger: Ledger;
  readonly #pause: (route: string) => Promise<void>;

  /** @param pause resolves after the latency of a route */
  constructor(routes: Routes, ledger: Ledger, pause: (route: string) => Promise<void>) {
    this.#routes = routes;
    this.#ledger = ledger;
    this.#pause = pause;
  }

  async run(call: IncomingCall): Promise<Answer> {
    const { application, base, method, target, headers, credential, requestId, position } = call;
    const { route, handle } = this.#handlerOf(call);
    await this.#pause(route);
    const outcome = handle();
    this.#ledger.ran({
      user: application.user.name,
      credential,
      application: application.id,
      method,
      target,
      headers,
      via: position === undefined ? 'single' : 'batch',
      requestId,
      batchId: position === undefined ? undefined : requestId,
      position,
      status: outcome.status,
    });
    return toAnswer(outcome, base, method, headers);
  }

  #handlerOf(incoming: IncomingCall): { route: string; handle: () => Outcome } {
    const revision = headerValue(incoming.headers, 'x-ms-requiresminresourceversion') ?? '1';
    const found = this.#routes.find(incoming.path);
    if (!found) return { route: 'notFound', handle: () => failed(404) };
    if (Number(revision) > highestRevision) {
      return { route: 'notFound', handle: () => failed(404, 'APIVersionNotSupported') };
    }
    const { route, params } = found;
    const handler = handlerOf(found, incoming.method);
    if (!handler) {
      const headers = ['Allow', Object.keys(route.methods).join(', ')];
      return { route: 'methodNotAllowed', handle: () => ({ ...failed(405), headers }) };
    }
    const call: Call = { ...incoming, params };
    const name = route.template === '' ? 'application' : route.template;
    return { route: name, handle: () => handler(call) };
  }
}

function handlerOf({ route }: RouteMatch, method: string) {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return route.methods.GET;
    case 'POST':
    case 'PUT':
    case 'DELETE':
      return route.methods[method];
    default:
      return undefined;
  }
}
