/**
 * Servers that accept requests and do not answer, as a process that hangs. A connection to the server still
 * opens. The timeout of a request is too long to find the server by.
 *
 * A server is suspect if it has been silent for `suspectMs` while other servers answered newer requests. One
 * slow request looks the same, because the server with the fewest requests gets the next one. A suspect server
 * therefore gets probes: safe requests that travel anyway. If the probes get no answer either, the server is
 * silent. Each answer ends the suspicion. Time in which the proxy itself stood still does not count.
 */
import type { Server } from './server.ts';

/** Time without an answer after which a server is suspect, and a probe has failed, in ms. */
const suspectMs = 400;
/** Newer requests that other servers must have answered. */
const answersElsewhere = 5;
const probesNeeded = 2;
const probeIntervalMs = 50;
/** Time without an answer after which a trial has failed, in ms. */
const trialMs = 1000;

/** Time between two ticks above which the proxy stood still, in ms. Answers may then wait to be read. */
export const stallMs = 300;

/** Whether the silence of the server is long enough for probes. */
export function suspect(server: Server, servers: readonly Server[], nowMs: number): boolean {
  const [oldest] = server.unanswered;
  if (oldest === undefined) return false;
  const sinceMs = Math.max(oldest.beganAtMs, server.heardAtMs);
  if (nowMs - sinceMs < suspectMs) return false;
  let answers = 0;
  for (const other of servers) if (other !== server) answers += other.answeredSince(sinceMs);
  return answers >= answersElsewhere;
}

/** Whether the next safe request should be a probe of the server. */
export function mayProbe(server: Server, nowMs: number): boolean {
  return (
    server.isSuspect &&
    server.probes < probesNeeded &&
    nowMs - server.lastProbeAtMs >= probeIntervalMs
  );
}

/** Whether the probes of a suspect server got no answer. */
export function isSilent(server: Server, nowMs: number): boolean {
  let failed = 0;
  for (const { role, beganAtMs } of server.unanswered) {
    const silentMs = nowMs - Math.max(beganAtMs, server.heardAtMs);
    if (role === 'probe' && silentMs >= suspectMs) failed += 1;
  }
  return failed >= probesNeeded;
}

/** Whether the trial of a server got no answer. */
export function trialIsSilent(server: Server, nowMs: number): boolean {
  for (const { role, beganAtMs } of server.unanswered) {
    const silentMs = nowMs - Math.max(beganAtMs, server.heardAtMs);
    if (role === 'trial' && silentMs >= trialMs) return true;
  }
  return false;
}
