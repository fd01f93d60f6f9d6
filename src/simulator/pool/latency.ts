/**
 * Latencies of the pool by route.
 *
 * The name of a route is its template below the application, for example `me/note` or `people/{sip}/presence`
 * (see `resources/`). These names are no routes below the application: `application` (the application itself),
 * `applications` (its creation), `discovery`, `token`, `notFound` and `methodNotAllowed`. `operation` is the
 * time from the start of an operation to its end.
 */
import type { Random } from './prng.ts';

/** Latency in ms: one value for all routes, or a function of the route and a random source. */
export type Latency = number | ((route: string, random: Random) => number);

/** Minimum and maximum in ms of the names that are slower than others. */
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

/** Returns a plausible latency in ms for a pool on the same network. Small values are more likely. */
export function realisticLatency(route: string, random: Random): number {
  const [from, to] = slowRoutes[route] ?? [8, 25];
  return from + (to - from) * random() ** 2;
}
