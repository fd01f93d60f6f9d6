/** The application that a run uses: the one that the operator names, or a new one. */
import { randomUUID } from 'node:crypto';
import { discoveryRoot } from './checks/sign-in.ts';
import { linkOf } from './json.ts';
import type { PoolSession } from './pool-session.ts';

export const applicationPattern = /^\/ucwa\/(?:oauth\/)?v1\/applications\/[\w.~%-]+$/i;

/**
 * Creates an application of the user. Its endpoint is new, so no other client has it. The address for new
 * applications comes from discovery, if discovery leads to this pool.
 *
 * @returns the path of the application, or the reason why there is none
 */
export async function createApplication(
  session: PoolSession,
  origin: string,
): Promise<{ readonly path: string } | { readonly problem: string }> {
  const isTicket = session.credential[0].toLowerCase() === 'x-ms-webticket';
  const usual = `/ucwa/${isTicket ? '' : 'oauth/'}v1/applications`;
  const user = await session.ask({ target: `${discoveryRoot}/oauth/user` });
  const target = linkOf(user.body, 'applications', origin) ?? usual;
  const input = { UserAgent: 'ucwa-batch-proxy verify', EndpointId: randomUUID() };
  const { status, body } = await session.ask({
    method: 'POST',
    target,
    headers: ['Content-Type', 'application/json'],
    body: Buffer.from(JSON.stringify({ ...input, Culture: 'en-US' })),
  });
  const path = linkOf(body, 'self', origin)?.replace(/[?].*$/, '');
  return status === 201 && path !== undefined && applicationPattern.test(path)
    ? { path }
    : { problem: `the pool created no application (status ${status})` };
}
