/** Finds the user and the application of a request, and the code that answers it. */
import { type Answer, toAnswer } from '../representation/answer.ts';
import type { BatchRunner } from './batch-runner.ts';
import type { CallRunner } from '../resources/call-runner.ts';
import { inputOf } from '../resources/call.ts';
import { type CredentialKind, type Credentials, photoCookies } from '../sign-in/credentials.ts';
import type { Discovery } from '../sign-in/discovery.ts';
import type { Origins } from '../sign-in/origins.ts';
import { nowhere } from '../sign-in/pages.ts';
import type { Sites } from '../sign-in/sites.ts';
import type { Counters, Exchange } from './exchange.ts';
import { faultOf } from '../faults/fault.ts';
import type { FlatHeaders } from '../representation/headers.ts';
import type { Ledger } from '../pool/request-log.ts';
import { failed, found, type Outcome } from '../representation/outcome.ts';
import type { Outstanding } from '../pool/outstanding.ts';
import type { Pool } from '../pool/pool.ts';
import type { Application } from '../pool/state.ts';
import { applicationResource, photoCookieHeader } from '../resources/application-resource.ts';
import type { Place } from '../pool/target.ts';

type PlaceOf<K extends Place['kind']> = Extract<Place, { kind: K }>;

export interface Visitor {
  /** Undefined without a valid credential. */
  readonly user: string | undefined;
  readonly credential: CredentialKind;
}

export interface RouterParts {
  readonly pool: Pool;
  readonly credentials: Credentials;
  readonly discovery: Discovery;
  readonly origins: Origins;
  readonly sites: () => Sites;
  readonly ledger: Ledger;
  readonly outstanding: Outstanding;
  readonly counters: Counters;
  readonly runner: CallRunner;
  readonly batches: BatchRunner;
  /** Resolves after the latency of a route. */
  readonly pause: (route: string) => Promise<void>;
  readonly longPollCounts: boolean;
}

/** Whether a request is a POST to a batch resource. */
export function isBatch(place: Place, method: string): boolean {
  return place.kind === 'application' && method === 'POST' && isLeaf(place, 'batch');
}

function isLeaf({ path }: PlaceOf<'application'>, name: string): boolean {
  return path.length === 1 && path[0]?.toLowerCase() === name;
}

function allowing(method: string): Outcome {
  return { ...failed(405), headers: ['Allow', method] };
}

const options: Outcome = {
  status: 200,
  content: { kind: 'none' },
  headers: ['Allow', 'GET, HEAD, POST, PUT, DELETE, OPTIONS'],
};

export class Router {
  readonly #with: RouterParts;

  constructor(parts: RouterParts) {
    this.#with = parts;
  }

  visitor(place: Place, headers: FlatHeaders, host: string): Visitor {
    const { credentials, pool, sites } = this.#with;
    const family =
      place.kind === 'applications' || place.kind === 'application' ? place.family : 'oauth';
    const user = credentials.userOf(headers, family, sites().at(host));
    if (user !== undefined) {
      return { user, credential: family === 'oauth' ? 'bearer' : 'webTicket' };
    }
    if (place.kind === 'application' && place.path[0]?.toLowerCase() === 'photos') {
      const application = pool.applicationByPhotoCookie(place.id, photoCookies(headers));
      if (application) return { user: application.user.name, credential: 'cookie' };
    }
    return { user: undefined, credential: 'none' };
  }

  /** Resolves to the answer, except for byte streams; to undefined after the answer was streamed. */
  async answer(
    exchange: Exchange,
    place: PlaceOf<'application' | 'applications' | 'elsewhere'>,
  ): Promise<Answer | undefined> {
    const { method, headers, user, host } = exchange;
    const { discovery, origins } = this.#with;
    const asIs = (outcome: Outcome) => toAnswer(outcome, '', method, headers);
    if (method === 'OPTIONS') {
      const more = origins.preflightFields(headers);
      return asIs({ ...options, headers: [...(options.headers ?? []), ...more] });
    }
    const refusal = origins.refusal(headers);
    if (refusal) return asIs(refusal);
    if (place.kind === 'elsewhere') return asIs(await this.#elsewhere(exchange, place.path));
    if (user === undefined) return asIs(discovery.unauthorized(headers, host, place.family));
    if (place.kind === 'applications') {
      return this.#counted(exchange, user, () => this.#create(exchange, user, place));
    }
    const application = this.#with.pool.application(place.id, user);
    if (!application) return asIs(failed(404, 'ApplicationNotFound'));
    const { batch } = exchange;
    if (batch) return this.#with.batches.run(exchange, batch, place, application);
    if (isLeaf(place, 'batch')) return asIs(allowing('POST'));
    if (isLeaf(place, 'events')) {
      return method === 'GET' ? this.#poll(exchange, place, application) : asIs(allowing('GET'));
    }
    return this.#counted(exchange, user, () => this.#call(exchange, place, application));
  }

  /** Runs a single call, which counts against the user's limit. */
  async #counted(exchange: Exchange, user: string, run: () => Promise<Answer>): Promise<Answer> {
    const { outstanding, counters } = this.#with;
    if (!outstanding.acquire(user, 1)) {
      counters.refused429++;
      return toAnswer(failed(429), '', exchange.method, exchange.headers);
    }
    counters.singles++;
    const answer = await run();
    if (faultOf(exchange.faults, 'hang')) await exchange.reply.gone;
    outstanding.release(user, 1);
    return answer;
  }

  #call(exchange: Exchange, place: PlaceOf<'application'>, application: Application) {
    const { base, path, rawQuery } = place;
    const { method, target, headers, body, credential, record } = exchange;
    const own = { method, target, headers, body, credential };
    const way = { requestId: record.id, position: undefined };
    return this.#with.runner.run({ application, base, path, rawQuery, ...own, ...way });
  }

  #ran(exchange: Exchange, application: string | undefined, { status }: Outcome): void {
    const { method, target, headers, user, credential, record } = exchange;
    this.#with.ledger.ran({
      ...{ user, credential, application, method, target, headers, status },
      ...{ via: 'single', requestId: record.id, batchId: undefined, position: undefined },
    });
  }

  async #elsewhere(exchange: Exchange, path: string): Promise<Outcome> {
    const { discovery, pause } = this.#with;
    const { method, headers, body, host, connection } = exchange;
    const route = discovery.route(path);
    if (!route) return nowhere;
    await pause(route);
    const outcome = discovery.answer({ method, path, host, headers, body, connection });
    this.#ran(exchange, undefined, outcome);
    return outcome;
  }

  async #create(
    exchange: Exchange,
    user: string,
    { base, isForGuests }: PlaceOf<'applications'>,
  ): Promise<Answer> {
    const { method, headers, body } = exchange;
    await this.#with.pause('applications');
    const input = { rawQuery: '', headers, body };
    const endpointId = inputOf(input, 'endpointId');
    const isRefused = isForGuests && !this.#with.credentials.isGuest(user);
    if (method !== 'POST' || endpointId === undefined || isRefused) {
      const bad = isRefused ? failed(403) : failed(400, 'ParameterValidationFailure');
      const outcome = method === 'POST' ? bad : allowing('POST, OPTIONS');
      this.#ran(exchange, undefined, outcome);
      return toAnswer(outcome, base, method, headers);
    }
    const { made, application } = this.#with.pool.createApplication(user, {
      endpointId,
      culture: inputOf(input, 'culture') ?? 'en-US',
      userAgent: inputOf(input, 'userAgent') ?? 'unknown',
    });
    const own = `${base}/${application.id}`;
    const outcome = {
      ...found(applicationResource(this.#with.pool, application, inputOf(input, 'instanceId'))),
      status: made ? 201 : 200,
      headers: photoCookieHeader(application, own),
    };
    this.#ran(exchange, application.id, outcome);
    return toAnswer(outcome, own, method, headers);
  }

  async #poll(
    exchange: Exchange,
    place: PlaceOf<'application'>,
    application: Application,
  ): Promise<Answer> {
    const { pool, outstanding, counters, longPollCounts } = this.#with;
    const user = application.user.name;
    const asIs = (outcome: Outcome) => toAnswer(outcome, place.base, 'GET', exchange.headers);
    if (longPollCounts && !outstanding.acquire(user, 1)) {
      counters.refused429++;
      return asIs(failed(429));
    }
    const query = new URLSearchParams(place.rawQuery);
    const poll = pool.channel(application, query.get('instanceId') ?? '').poll(query);
    let outcome: Outcome;
    if ('status' in poll) {
      outcome = poll;
    } else {
      counters.parkedPolls++;
      void exchange.reply.gone.then(() => poll.leave());
      outcome = await poll.outcome;
      counters.parkedPolls--;
    }
    if (longPollCounts) outstanding.release(user, 1);
    if (!exchange.reply.isOver) this.#ran(exchange, application.id, outcome);
    return asIs(outcome);
  }
}
