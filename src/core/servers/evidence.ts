/** How much evidence of each kind ejects a server. */
import type { EjectionReason, Server } from './server.ts';

/** Failures in a row that eject a server, and that end a trial. */
const thresholds = {
  active: { connect: 2, reset: 3, unavailable: 5, check: 2 },
  trial: { connect: 1, reset: 2, unavailable: 2, check: 1 },
};

export type CountedReason = Exclude<EjectionReason, 'silent'>;

/**
 * Whether the evidence of this kind ejects the server.
 *
 * @param isOnlyUser see `FailureRun`
 */
export function isProven(server: Server, reason: CountedReason, isOnlyUser: boolean): boolean {
  const { health, connectFailures, checkFailures, resets, unavailable } = server;
  if (health.kind === 'ejected') return false;
  const limits = thresholds[health.kind];
  switch (reason) {
    case 'connect':
      return connectFailures >= limits.connect;
    case 'check':
      return checkFailures >= limits.check;
    case 'reset':
      return resets.isProof(limits.reset, isOnlyUser);
    case 'unavailable':
      return unavailable.isProof(limits.unavailable, isOnlyUser);
  }
}
