/** Which of the servers of a pool a request prefers, and what the settings make of them. */
import { type Loan, Server, type ServerRequest } from './server.ts';

export type Preference = Pick<ServerRequest, 'isRetry' | 'isPoll' | 'user'>;

/** Servers of a lower rank are preferred. */
export function rankOf(server: Server, { isRetry, user }: Preference): number {
  const tier = server.isFallback ? 4 : 0;
  if (!server.isActive) return tier + 8;
  const isAvoided = isRetry && server.isAvoidedBy(user);
  return tier + (server.isSuspect ? 1 : 0) + (isAvoided ? 2 : 0);
}

/** Whether the request began before the server was ejected, or came back. It says nothing about the time since. */
export function isStale({ beganAtMs, server }: Loan): boolean {
  return beganAtMs < server.health.sinceMs;
}

/** Returns the servers with these origins. Those that are known already stay the same objects. */
export function serversOf(
  known: readonly Server[],
  {
    servers,
    fallback,
  }: { readonly servers: readonly string[]; readonly fallback: readonly string[] },
  nowMs: number,
): readonly Server[] {
  const find = (origin: string, isFallback: boolean): Server =>
    known.find((one) => one.origin === origin && one.isFallback === isFallback) ??
    new Server(origin, isFallback, nowMs);
  return [
    ...servers.map((origin) => find(origin, false)),
    ...fallback.map((origin) => find(origin, true)),
  ];
}
