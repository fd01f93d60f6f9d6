/**
 * How long a route of the pool takes. Routes are named by their template below the application
 * (`me/note`, `people/{sip}/presence`; see `resources/`), and besides by `application` (the
 * application itself), `applications` (its creation), `discovery`, `token`, `operation` (from an
 * operation's start to its end), `notFound` and `methodNotAllowed`.
 */
import type { Random } from './prng.ts';

/** Milliseconds for every route, or by route template and a random number source. */
export type Latency = number | ((route: string, random: Random) => number);

/** Milliseconds, from and to, of the routes that are not like the rest. */
const slowRoutes: Readonly<Record<string, readonly [number, number]>> = {
  applications: [40, 80],
  token: [30, 60],
  operation: [60, 150],
  'communication/messagingInvitations': [25, 60],
  'people/contacts': [20, 60],
  'people/groups': [15, 40],
  'people/presenceSubscriptions': [20, 50],
  'people/search': [80, 250],
  'photos/{sip}': [20, 60],
};

/** Milliseconds as a pool in the same building might take; most draws are nearer to the lower end. */
export function realisticLatency(route: string, random: Random): number {
  const [from, to] = slowRoutes[route] ?? [8, 25];
  return from + (to - from) * random() ** 2;
}
