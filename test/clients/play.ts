/** The stage of a play, and the play of one public client. */
import type { SimulatedUser } from '../support/simulated-user.ts';
import type { HttpClient } from './http-client.ts';

export interface Stage {
  readonly http: HttpClient;
  /** URL where discovery begins, without a slash at its end. */
  readonly discovery: string;
  /** Another user of the pool, who does not use the proxy. */
  readonly peer: SimulatedUser;
}

export interface Play {
  /** Repository of the client. */
  readonly client: string;
  /** Whether the client has several calls under way at a time, so that they can share a batch. */
  readonly overlaps: boolean;
  /** Whether the client polls for events, and gets some; default true. */
  readonly hearsEvents?: boolean;
  /** Plays the calls of the client, as the user `ann`, in its order and with its fields. */
  run(stage: Stage): Promise<void>;
}

/** Token of a client that gets its token elsewhere (Azure AD). */
export const foreignToken = 'cwt=sim-ann';

/** Returns the origin of a URL. */
export function originOf(url: string): string {
  return new URL(url).origin;
}
