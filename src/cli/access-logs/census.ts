/** Tells the requests of a log apart, counts them, and returns the calls that the proxy would batch. */
import { createHmac } from 'node:crypto';
import { type HeadFacts, readHead } from '../../core/admit/request-head.ts';
import type { CallClass } from '../../core/messages/outgoing-call.ts';
import { callClassOf } from '../../core/ucwa/call-class.ts';
import { classify, type ClassifyRules } from '../../core/ucwa/classify.ts';
import { routeTemplate } from '../../core/ucwa/route-template.ts';
import type { LogRequest } from './log-request.ts';

/** A call of a log that the proxy would batch, and the bounds of its arrival in ms since 1970. */
export interface LogCall {
  readonly earliestMs: number;
  readonly latestMs: number;
  readonly tookMs: number;
  readonly status: number;
  /** A keyed hash of the application. */
  readonly user: string;
  readonly method: string;
  readonly callClass: CallClass;
  readonly route: string;
  /** The path below the application. */
  readonly resource: string;
  /** Path and query of a GET, which are equal for calls that may share a part; empty for other methods. */
  readonly same: string;
  readonly sizeBytes: number;
}

/** The kinds of requests, each with its meaning. */
export const kinds = {
  calls: 'calls that the proxy would batch',
  polls: 'polls (events)',
  photos: 'photos',
  batches: 'batches that clients send',
  signIn: 'answers 401 and 407, which ask for a sign-in',
  refused: 'answers 429',
  slow: 'calls that take longer than upstream.timeoutMs',
  unbatched: 'other calls that pass through',
  outside: 'UCWA requests outside of an application, and of the application itself',
  otherSites: 'requests of other sites',
} as const;
export type Kind = keyof typeof kinds;

const kindOfReason: Partial<Record<string, Kind>> = {
  events: 'polls',
  photos: 'photos',
  batch: 'batches',
  application: 'outside',
};

const usualCallBytes = 500;
const hashDigits = 12;
/** The number of applications with remembered hashes, and the highest number that is counted. */
const mostApplications = 65_536;

export class Census {
  readonly counts = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, 0])) as Record<
    Kind,
    number
  >;
  /** Answers with a status from 400 to 499, of all requests of UCWA. */
  clientErrors = 0;
  /** Answers with a status from 500. */
  serverErrors = 0;
  /** Duration of all UCWA requests. */
  requestMs = 0;
  /** Duration of the calls that the proxy would batch. */
  callMs = 0;
  firstMs = Infinity;
  lastMs = -Infinity;
  /** UCWA requests in each minute since 1970. */
  readonly minutes = new Map<number, number>();
  readonly #applications = new Set<string>();
  readonly #key: Buffer;
  readonly #users = new Map<string, string>();
  readonly #rules: ClassifyRules;
  readonly #timeoutMs: number;
  /** A log has no header fields. Its calls count as calls with a credential. */
  readonly #facts: HeadFacts = readHead(['Authorization', 'Bearer of-a-log']);

  /** @param key the key of the hashes */
  constructor(rules: ClassifyRules, timeoutMs: number, key: Buffer) {
    this.#key = key;
    this.#rules = rules;
    this.#timeoutMs = timeoutMs;
  }

  /** The number of applications with calls, and whether there may be more. */
  get applications(): { readonly count: number; readonly isMore: boolean } {
    const { size } = this.#applications;
    return { count: size, isMore: size >= mostApplications };
  }

  /** All requests of UCWA. */
  get requests(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count) - this.counts.otherSites;
  }

  /** Counts a request. Returns its call if the proxy would batch it. */
  add(request: LogRequest): LogCall | undefined {
    const { method, status, loggedMs } = request;
    // Only the class and the equality of targets matter, so other bytes than printable ASCII may be replaced.
    const target = request.target.replace(/[^!-~]/g, '_');
    const head = { method, target, httpVersion: '1.1', headers: [] };
    const classified = classify(head, target, this.#facts, this.#rules);
    const kind = this.#kindOf(request, target, classified);
    this.counts[kind] += 1;
    if (kind === 'otherSites') return undefined;
    this.requestMs += request.tookMs;
    if (kind === 'calls') this.callMs += request.tookMs;
    this.firstMs = Math.min(this.firstMs, loggedMs);
    this.lastMs = Math.max(this.lastMs, loggedMs);
    const minute = Math.floor(loggedMs / 60_000);
    this.minutes.set(minute, (this.minutes.get(minute) ?? 0) + 1);
    if (status >= 500) this.serverErrors += 1;
    else if (status >= 400) this.clientErrors += 1;
    if (kind !== 'calls' || classified.kind !== 'batchable') return undefined;
    return this.#callOf(request, target, classified.applicationPath, classified.resource);
  }

  #kindOf(
    { status, tookMs }: LogRequest,
    target: string,
    classified: ReturnType<typeof classify>,
  ): Kind {
    if (classified.kind === 'pass-through') {
      const { reason } = classified;
      if (reason !== 'outside') return kindOfReason[reason] ?? 'unbatched';
      return /^\/+ucwa(?:[/?]|$)/i.test(target) ? 'outside' : 'otherSites';
    }
    if (status === 401 || status === 407) return 'signIn';
    if (status === 429) return 'refused';
    return tookMs > this.#timeoutMs ? 'slow' : 'calls';
  }

  #callOf(
    { earliestMs, latestMs, tookMs, method, status, sizeBytes }: LogRequest,
    target: string,
    applicationPath: string,
    resource: string,
  ): LogCall {
    const user = this.#userOf(applicationPath.toLowerCase());
    if (this.#applications.size < mostApplications) this.#applications.add(user);
    return {
      ...{ earliestMs, latestMs, tookMs, status, user, method },
      callClass: callClassOf(method, target, resource, Buffer.alloc(0)),
      route: routeTemplate(resource.slice(applicationPath.length)),
      resource: resource.slice(applicationPath.length),
      same: method === 'GET' ? target : '',
      sizeBytes: sizeBytes === 0 ? usualCallBytes : sizeBytes,
    };
  }

  #userOf(application: string): string {
    const known = this.#users.get(application);
    if (known !== undefined) return known;
    const hash = createHmac('sha256', this.#key).update(application).digest('hex');
    if (this.#users.size >= mostApplications) this.#users.clear();
    // A copy, because a part of a string keeps the whole text of the file in memory that was read with it.
    const copy = Buffer.from(application, 'latin1').toString('latin1');
    this.#users.set(copy, hash.slice(0, hashDigits));
    return hash.slice(0, hashDigits);
  }
}
