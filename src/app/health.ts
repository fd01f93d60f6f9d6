/** The health of the pools: checks them, logs what begins and ends, and answers `/readyz?verbose` and the metrics. */
import type { CheckFailure, CheckTimes } from '../core/health/pool-health.ts';
import { PoolHealth } from '../core/health/pool-health.ts';
import {
  advice,
  isConnectionKind,
  upstreamErrorKind,
  upstreamErrorKinds,
  type UpstreamErrorKind,
} from '../core/health/upstream-errors.ts';
import type { FaultName } from '../core/messages/fault.ts';
import type { Log } from '../log/log.ts';
import {
  certificateSides,
  type CertificateSide,
  type HealthSources,
  type PoolState,
} from '../metrics/health-metrics.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import { type PoolSettings, poolsOf } from '../settings/pools.ts';
import { checkServer, type RunningCheck, type ServerCheck } from '../upstream/reachability.ts';
import { chainEndsAtMs } from './certificate-expiry.ts';
import type { TlsWatch } from './tls-watch.ts';

export interface HealthParts {
  readonly settings: ServeSettings;
  readonly log: Log;
  readonly renewals: TlsWatch;
  /** `undefined`: no checks. The pools then stay `unknown`. */
  readonly checks: CheckTimes | undefined;
}

/** Checks of `serve`, in ms. A check costs the pool one TLS handshake. */
export const usualChecks: CheckTimes = { everyMs: 30_000, whileFailingMs: 5000 };

/** Upper bound of the time between two looks at what is due, in ms. */
const maxTickMs = 1000;
const noChecks: CheckTimes = { everyMs: Infinity, whileFailingMs: Infinity };

interface Watched {
  settings: PoolSettings;
  readonly health: PoolHealth;
  /** The servers that showed a certificate, and when it expires. */
  readonly certificates: Map<string, number>;
}

export class Health implements HealthSources {
  readonly #parts: HealthParts;
  readonly #pools: readonly Watched[];
  readonly #errors = Object.fromEntries(upstreamErrorKinds.map((kind) => [kind, 0])) as Record<
    UpstreamErrorKind,
    number
  >;
  readonly #running = new Set<RunningCheck>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: HealthParts) {
    this.#parts = parts;
    this.#pools = poolsOf(parts.settings).map((settings): Watched => {
      const pool: Watched = {
        settings,
        health: new PoolHealth(
          {
            began: (...failure) => this.#began(pool.settings, ...failure),
            ended: (...failures) => this.#ended(pool.settings, ...failures),
          },
          parts.checks ?? noChecks,
          serversIn(settings).length > 1,
        ),
        certificates: new Map(),
      };
      return pool;
    });
  }

  /** Follows the servers of other settings, for the same pools. */
  follow(settings: ServeSettings): void {
    for (const [place, now] of poolsOf(settings).entries()) {
      const pool = this.#pools[place];
      if (pool === undefined) continue;
      pool.settings = now;
      for (const server of pool.certificates.keys())
        if (!serversIn(now).includes(server)) pool.certificates.delete(server);
    }
  }

  /** Begins the checks. The first ones begin at once. */
  start(): void {
    this.#tick();
    const tickMs = Math.min(maxTickMs, this.#parts.checks?.whileFailingMs ?? maxTickMs);
    this.#timer = setInterval(() => this.#tick(), tickMs).unref();
  }

  /** Ends the checks. Later failures say nothing about the pools. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    for (const check of this.#running) check.end();
  }

  /**
   * Counts a failed request or connection.
   *
   * @param place the place of the pool in `poolsOf`; `undefined` for a server that is not checked
   */
  failed(place: number | undefined, name: FaultName, error?: unknown): void {
    const kind = upstreamErrorKind(name);
    if (kind === undefined || this.#isStopped) return;
    this.#errors[kind] += 1;
    const pool = place === undefined ? undefined : this.#pools[place];
    pool?.health.failed(kind, codeOf(error), performance.now());
  }

  /** Whether all pools can be reached. */
  get areReachable(): boolean {
    return this.#pools.every(({ health }) => health.reachability.kind === 'reachable');
  }

  upstreamErrors(): Readonly<Record<UpstreamErrorKind, number>> {
    return this.#errors;
  }

  pools(): Readonly<Record<PoolState, number>> {
    const counts = { reachable: 0, unreachable: 0, unknown: 0 };
    for (const { health } of this.#pools) counts[health.reachability.kind] += 1;
    return counts;
  }

  certificateExpirySeconds(side: CertificateSide): number | undefined {
    const endsAtMs = this.#endOf(side);
    return endsAtMs === Infinity ? undefined : Math.round((endsAtMs - Date.now()) / 1000);
  }

  /** The lines of `/readyz?verbose`, with `[+]` or `[-]` in front. */
  lines(): string[] {
    const pools = this.#pools.map(({ settings: { name }, health: { reachability } }) => {
      const what = name === '' ? 'pool' : `pool ${name}`;
      switch (reachability.kind) {
        case 'reachable':
          return `[+]${what}: reachable`;
        case 'unknown':
          return `[-]${what}: not checked yet`;
        case 'unreachable':
          return `[-]${what}: ${reachability.failure.kind} since ${timeOf(reachability.sinceMs)}`;
      }
    });
    const certificates = certificateSides.flatMap((side) => {
      const endsAtMs = this.#endOf(side);
      if (endsAtMs === Infinity) return [];
      const [sign, verb] = endsAtMs > Date.now() ? ['+', 'expires'] : ['-', 'expired'];
      const day = new Date(endsAtMs).toISOString().slice(0, 10);
      return [`[${sign}]certificate ${side}: ${verb} ${day}`];
    });
    return [...pools, ...certificates];
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#pools.forEach((pool, place) => {
      pool.health.tick(nowMs);
      if (this.#parts.checks !== undefined && pool.health.isDue(nowMs))
        void this.#check(pool, place);
    });
  }

  /** Checks all servers of a pool. The pool is reachable if one server is. */
  async #check(pool: Watched, place: number): Promise<void> {
    const { settings, health, certificates } = pool;
    const isCurrent = (server: string): boolean =>
      pool.settings === settings || serversIn(pool.settings).includes(server);
    health.checking(performance.now());
    const { connectTimeoutMs } = this.#parts.settings.upstream;
    const tls = this.#parts.renewals.pools[place]?.() ?? {};
    const results = await Promise.all(
      serversIn(settings).map(async (server) => {
        const check = checkServer(server, connectTimeoutMs, tls);
        this.#running.add(check);
        const result = await check.result;
        this.#running.delete(check);
        if (isCurrent(server)) noteCertificate(certificates, server, result);
        return result.failure;
      }),
    );
    if (this.#isStopped) return;
    const isReachable = results.includes(undefined);
    health.checked(isReachable ? undefined : failureOf(results[0]), performance.now());
  }

  /** When the first certificate of the side expires, in ms since 1970. */
  #endOf(side: CertificateSide): number {
    return Math.min(...this.#endsOf(side));
  }

  #endsOf(side: CertificateSide): number[] {
    const { renewals } = this.#parts;
    switch (side) {
      case 'listen': {
        const { cert, more = [] } = renewals.listen.current;
        return [cert, ...more.map((pair) => pair.cert)].map(chainEndsAtMs);
      }
      case 'upstream':
        return renewals.pools.map((files) => chainEndsAtMs(files().cert));
      case 'pool':
        return this.#pools.flatMap(({ certificates }) => [...certificates.values()]);
    }
  }

  #began(pool: PoolSettings, kind: UpstreamErrorKind, code: string | undefined): void {
    const what = isConnectionKind(kind)
      ? 'the pool cannot be reached'
      : 'requests to the pool fail';
    this.#parts.log.warn(what, {
      ...factsOf(pool),
      kind,
      ...(code !== undefined && { code }),
      advice: advice[kind],
    });
  }

  #ended(pool: PoolSettings, kind: UpstreamErrorKind, failures: number, lastedMs: number): void {
    const what = isConnectionKind(kind)
      ? 'the pool can be reached again'
      : 'requests to the pool no longer fail';
    const facts = { kind, failures, ms: Math.round(lastedMs) };
    this.#parts.log.info(what, { ...factsOf(pool), ...facts });
  }
}

function serversIn({ servers, fallback }: PoolSettings): readonly string[] {
  return [...servers, ...fallback];
}

function factsOf({ name, servers }: PoolSettings): Readonly<Record<string, string>> {
  return { ...(name !== '' && { pool: name }), server: servers.join(' ') };
}

function failureOf(failure: ServerCheck['failure']): CheckFailure {
  const kind = upstreamErrorKind(failure?.name ?? 'connection_terminated');
  return { kind: kind ?? 'connection_terminated', code: failure?.code };
}

/** An expired certificate ends the handshake before its date can be read. It then expires now, at the latest. */
function noteCertificate(
  certificates: Map<string, number>,
  server: string,
  { failure, certificateEndsAtMs }: ServerCheck,
): void {
  if (certificateEndsAtMs !== undefined) certificates.set(server, certificateEndsAtMs);
  else if (failure?.code === 'CERT_HAS_EXPIRED') {
    const nowMs = Date.now();
    certificates.set(server, Math.min(certificates.get(server) ?? nowMs, nowMs));
  }
}

/** Codes of the system and of OpenSSL. Other texts could quote the pool. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : undefined;
}

/** @param ms time of `performance.now()` */
function timeOf(ms: number): string {
  return new Date(performance.timeOrigin + ms).toISOString();
}
