/** Checks of discovery and of sign-in. */
import { headerValue } from '../../../core/messages/http-message.ts';
import { foreignRelations, readDiscovery } from '../../discovery.ts';
import { asBelieved, type Check, different, type Finding, notKnown } from '../check.ts';
import { ownTarget } from '../json.ts';
import type { PoolAnswer } from '../pool-session.ts';
import type { World } from '../world.ts';

export const discoveryRoot = '/Autodiscover/AutodiscoverService.svc/root';
const windowsGrant = 'urn:microsoft.rtc:windows';

/** Schemes that sign in a connection, and those that do not. No other word of a challenge is shown. */
const ofConnections = ['Negotiate', 'NTLM', 'Nego2', 'Kerberos'];
const ofRequests = ['MsRtcOAuth', 'Bearer', 'Basic', 'Digest'];

export const signInChecks: readonly Check[] = [
  {
    id: 'discovery.links',
    asks: 'Do the links of the discovery document lead to the address that was asked?',
    believes: 'all of them do',
    async run({ session, with: { pool } }) {
      const { status, body } = await session.ask({ target: discoveryRoot, isSigned: false });
      const links = status === 200 ? readDiscovery(body.toString('utf8')) : undefined;
      if (links === undefined) {
        return different(
          `no discovery document (status ${status})`,
          'Clients need another address for discovery. The proxy passes it through.',
        );
      }
      const foreign = foreignRelations(links, pool).length;
      return foreign === 0
        ? asBelieved(`${links.size} links, all to this address`)
        : different(
            `${foreign} of ${links.size} links lead to another address`,
            'Clients that follow them bypass the proxy, unless pools[].hosts lists these names. ucwa-batch-proxy probe shows them.',
          );
    },
  },
  {
    id: 'sign-in.challenge',
    asks: 'How does the pool answer a request without a credential?',
    believes: '401, with a scheme that does not sign in a connection',
    async run(world) {
      const answer = await world.session.ask({ target: world.target('me'), isSigned: false });
      if (answer.status !== 401) {
        return different(
          `status ${answer.status}`,
          'Clients get no challenge. Check what answers in front of the pool.',
        );
      }
      return schemesFinding(answer);
    },
  },
  {
    id: 'sign-in.windows',
    asks: 'Does the token service sign in a connection (NTLM, Negotiate)?',
    believes: 'either; the proxy binds the connections if it does',
    run: windowsSignIn,
  },
  {
    id: 'sign-in.connection',
    asks: 'Does a connection stay signed in after a request with a credential?',
    believes: 'no, each request needs its own credential',
    async run(world) {
      const single = world.with.openSingle();
      await single.ask({ target: world.target('me') });
      if (single.connections === 0) return notKnown('the pool closed the connection');
      const { status } = await single.ask({ target: world.target('me'), isSigned: false });
      return status >= 400
        ? asBelieved(`status ${status} without a credential`)
        : different(
            `status ${status} without a credential`,
            'The next user on a connection would act as the one before. Do not use the proxy with this pool.',
            { 'batching.mode': 'off' },
          );
    },
  },
];

function schemesFinding({ headers }: PoolAnswer): Finding {
  const schemes = schemesOf(headers);
  const seen = `401 with ${schemes.length === 0 ? 'no scheme that is known' : schemes.join(', ')}`;
  const isBound = schemes.length > 0 && schemes.every((scheme) => ofConnections.includes(scheme));
  return isBound
    ? different(
        seen,
        'Clients can sign in only on a connection of their own. Their calls on it are not batched.',
        { 'upstream.connectionAuth': 'bind' },
      )
    : asBelieved(seen);
}

async function windowsSignIn({ session, with: { pool } }: World): Promise<Finding> {
  const challenge = await session.ask({ target: discoveryUser, isSigned: false });
  const offer = challengesOf(challenge.headers).find((value) => /^MsRtcOAuth\b/i.test(value)) ?? '';
  const href = /\bhref="([^"]*)"/i.exec(offer)?.[1];
  if (href === undefined) return notKnown('the pool names no token service');
  const refuse = { settings: { 'upstream.connectionAuth': 'refuse' } } as const;
  if (!offer.includes(windowsGrant)) {
    return asBelieved('the token service does not offer it', refuse);
  }
  const target = ownTarget(href, pool.origin);
  if (target === undefined) return notKnown('the token service has another address');
  const answer = await session.ask({
    method: 'POST',
    target,
    headers: ['Content-Type', 'application/x-www-form-urlencoded'],
    body: Buffer.from(`grant_type=${windowsGrant}`),
    isSigned: false,
  });
  const schemes = schemesOf(answer.headers).filter((scheme) => ofConnections.includes(scheme));
  if (answer.status !== 401 || schemes.length === 0) {
    return asBelieved(`the token service answers ${answer.status} without such a scheme`, refuse);
  }
  return asBelieved(`401 with ${schemes.join(', ')}`, {
    means: 'Clients that sign in so need connections of their own.',
    settings: { 'upstream.connectionAuth': 'bind' },
  });
}

const discoveryUser = `${discoveryRoot}/oauth/user`;

function challengesOf(headers: readonly string[]): string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === fieldName);
}

const fieldName = 'www-authenticate';

/** Returns the known schemes of the challenges. */
function schemesOf(headers: readonly string[]): string[] {
  if (headerValue(headers, fieldName) === undefined) return [];
  const text = challengesOf(headers).join(', ');
  return [...ofRequests, ...ofConnections].filter((scheme) =>
    new RegExp(`(?:^|,)\\s*${scheme}(?:\\s|,|$)`, 'i').test(text),
  );
}
