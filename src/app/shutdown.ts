/**
 * The order of a shutdown:
 *
 * - Readiness ends, and the listener closes.
 * - Held calls are sent, and polls end in steps.
 * - All connections are closed when their requests have ended, at the latest after the drain timeout.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../core/messages/fault.ts';
import type { HttpServer } from '../listen/http-server.ts';
import type { PassThrough } from '../pass-through/pass-through.ts';
import type { ServeSettings } from '../settings/load-settings.ts';

interface ShutdownParts {
  readonly drain: ServeSettings['drain'];
  /** The listeners of clients. */
  readonly servers: ReadonlyArray<Pick<HttpServer, 'drain' | 'close' | 'destroy'>>;
  readonly passThroughs: ReadonlyArray<Pick<PassThrough, 'endPolls' | 'endWaiting'>>;
  /** Ends readiness. */
  readonly unready: () => void;
  /** Sends the held calls. */
  readonly sendHeld: () => void;
  /** Ends the checks, the calls that wait, and the observers of calls. */
  readonly endCalls: () => void;
  /**
   * Closes the connections to the pool, the admin port and the files.
   *
   * @param leftMs time for the export of traces
   */
  readonly close: (leftMs: number) => Promise<unknown>;
}

interface Shutdown {
  stop(): Promise<void>;
  /** @param graceMs time for final responses before connections close */
  abort(graceMs?: number): Promise<void>;
}

/** Polls are ended in this many steps, so that their clients do not come back all at once. */
const pollSteps = 20;
const shuttingDown: Fault = { phase: 'unsent', name: 'destination_unavailable' };
/** Grace period for final responses before connections close, in ms. */
const flushGraceMs = 100;

/** Time for the export of traces after the drain timeout, in ms. */
const minExportMs = 500;

export function createShutdown(parts: ShutdownParts): Shutdown {
  const { drain, servers, passThroughs } = parts;
  const cut = new AbortController();
  let graceMs = flushGraceMs;
  const end = async (leftMs: number): Promise<void> => {
    parts.endCalls();
    for (const passThrough of passThroughs) {
      passThrough.endPolls(1, shuttingDown);
      passThrough.endWaiting();
    }
    await delay(graceMs);
    for (const server of servers) server.destroy();
    await parts.close(leftMs);
  };
  const stopInOrder = async (): Promise<void> => {
    const endsAtMs = performance.now() + drain.delayMs + drain.timeoutMs;
    parts.unready();
    for (const server of servers) server.drain();
    await wait(drain.delayMs, cut.signal);
    const closed = Promise.all(servers.map((server) => server.close()));
    // A second signal asks for an immediate end: held calls are not sent.
    if (!cut.signal.aborted) parts.sendHeld();
    for (const passThrough of passThroughs) {
      void endPollsEvenly(passThrough, drain.timeoutMs / 2, cut.signal);
    }
    await Promise.race([closed, wait(drain.timeoutMs, cut.signal)]);
    const leftMs = cut.signal.aborted ? 0 : endsAtMs - performance.now();
    cut.abort();
    await end(Math.max(leftMs, minExportMs));
  };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= stopInOrder());
  return {
    stop,
    abort(newGraceMs = flushGraceMs) {
      graceMs = newGraceMs;
      cut.abort();
      return stop();
    },
  };
}

async function endPollsEvenly(
  passThrough: Pick<PassThrough, 'endPolls'>,
  withinMs: number,
  cut: AbortSignal,
): Promise<void> {
  for (let left = pollSteps; left > 0; left -= 1) {
    passThrough.endPolls(1 / left, shuttingDown);
    await wait(withinMs / pollSteps, cut);
  }
}

/** Waits for this time, or until the signal is aborted. */
async function wait(ms: number, cut: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: cut }).catch(() => undefined);
}
