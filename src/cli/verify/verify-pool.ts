/** Runs all checks on one pool: opens the connections, finds the application, and puts everything back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createUpstream } from '../../upstream/undici-upstream.ts';
import { allChecks } from './all-checks.ts';
import { createApplication } from './application.ts';
import { Allowance, type Bounds, type Credential, NoAnswer, PoolSession } from './pool-session.ts';
import type { Run } from './report.ts';
import { runChecks } from './run-checks.ts';
import { World } from './world.ts';

const bounds: Bounds = { requests: 200, ms: 120_000, bytes: 32 * 1024 * 1024 };

export const boundsSentence =
  `A run sends at most ${bounds.requests} requests, for ${bounds.ms / 1000} s, with ` +
  `${bounds.bytes / 1024 / 1024} MiB of bodies, and only with the rights of one user.`;

export interface Verification {
  readonly pool: URL;
  readonly credential: Credential;
  /** Path of an application; undefined creates one. */
  readonly application: string | undefined;
  readonly ca: { readonly file: string; readonly pem: Buffer } | undefined;
  /** The flags that allow further checks. */
  readonly allowed: ReadonlySet<string>;
  /** Resolves when the run must end early. */
  readonly interrupted: Promise<void>;
}

export interface Verified {
  readonly run: Run;
  /** The reason why the checks did not run, or what was not put back. */
  readonly problem: string | undefined;
}

/** Rejects with NoAnswer or BoundReached if it cannot create an application. */
export async function verifyPool(asked: Verification, checks = allChecks): Promise<Verified> {
  const { pool, credential, ca, allowed } = asked;
  const allowance = new Allowance(bounds, () => performance.now());
  void asked.interrupted.then(() => allowance.stop('the program was interrupted'));
  const upstreams: Array<ReturnType<typeof createUpstream>> = [];
  const tls = ca === undefined ? {} : { ca: ca.pem };
  const openSession = (maxConnections: number): PoolSession => {
    const upstream = createUpstream({
      url: pool,
      maxConnections,
      connectTimeoutMs: 5000,
      idleTimeoutMs: 15_000,
      timeoutMs: 15_000,
      tls: () => tls,
      observer: { unsolicited: () => undefined, internalError: () => undefined },
    });
    upstreams.push(upstream);
    return new PoolSession({ upstream, authority: pool.host, credential, allowance });
  };
  const session = openSession(4);
  let created: string | undefined;
  let problem: string | undefined;
  try {
    let applicationPath = asked.application;
    if (applicationPath === undefined) {
      const made = await createApplication(session, pool.origin);
      if ('problem' in made) {
        allowance.stop(made.problem);
        ({ problem } = made);
      } else created = made.path;
      applicationPath = created ?? '/';
    }
    const world = new World({
      ...{ pool, session, applicationPath, ca: ca?.pem, caFile: ca?.file },
      openSingle: () => openSession(1),
      ownsApplication: created !== undefined,
      date: () => Date.now(),
      wait: (ms) => sleep(ms),
    });
    problem ??= await obstacle(world);
    if (problem !== undefined) allowance.stop(problem);
    const results = await runChecks(checks, world, allowed);
    if (created !== undefined) {
      problem ??= await removal(session, created);
      created = undefined;
    }
    const { requests, bytes, elapsedMs } = allowance;
    const seconds = Number((elapsedMs / 1000).toFixed(1));
    return { run: { results, requests, bytes, seconds, bounds: boundsSentence }, problem };
  } finally {
    if (created !== undefined) await removal(session, created);
    await Promise.all(upstreams.map((upstream) => upstream.stop()));
  }
}

/** Returns the reason why no check can succeed. */
async function obstacle(world: World): Promise<string | undefined> {
  try {
    const { status } = await world.direct('me');
    return status === 200
      ? undefined
      : `the pool answers ${status} to the user; check the token and the application`;
  } catch (error) {
    if (error instanceof NoAnswer) return `the pool gives ${error.message}`;
    throw error;
  }
}

/** Deletes the application of this run. Returns the reason if it remains. */
async function removal(session: PoolSession, target: string): Promise<string | undefined> {
  const left = 'the application of this run was not deleted; it ends by itself when it is idle';
  try {
    const { status } = await session.putBack({ method: 'DELETE', target });
    return status < 300 || status === 404 ? undefined : `${left} (status ${status})`;
  } catch (error) {
    return error instanceof NoAnswer ? `${left} (${error.message})` : left;
  }
}
