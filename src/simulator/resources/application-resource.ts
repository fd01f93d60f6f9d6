/** The application resource, its embedded resources, and `policies`. */
import type { Route } from './call.ts';
import { found, noContent } from '../representation/outcome.ts';
import type { Application, Pool } from '../pool/pool.ts';
import type { Resource } from '../representation/resource.ts';
import { communicationResource } from './communication.ts';
import { meResource } from './me.ts';
import { onlineMeetingsResource, peopleResource } from './people.ts';

/** Returns the Set-Cookie field of the photo cookie, for an application at `base`. */
export function photoCookieHeader(application: Application, base: string): string[] {
  const { photoCookie } = application;
  return ['Set-Cookie', `cwt_ucwa=${photoCookie}; path=${base}/photos; secure; HttpOnly`];
}

/** Returns the application resource. `instanceId` is the id of a browser tab, or empty. */
export function applicationResource(
  pool: Pool,
  application: Application,
  instanceId = '',
): Resource {
  const { culture, userAgent } = application.endpoint;
  return {
    rel: 'application',
    href: instanceId === '' ? '' : `?instanceId=${encodeURIComponent(instanceId)}`,
    properties: { culture, userAgent },
    links: {
      policies: 'policies',
      batch: 'batch',
      events: pool.channel(application, instanceId).href,
      ...(application.available ? { reportMyActivity: 'me/reportMyActivity' } : {}),
    },
    embedded: {
      me: meResource(application),
      people: peopleResource,
      onlineMeetings: onlineMeetingsResource,
      communication: communicationResource(application),
    },
    etag: application.etag,
  };
}

const policies: Resource = {
  rel: 'policies',
  href: 'policies',
  properties: {
    entityUriReplacements: 'None',
    exchangeUnifiedMessaging: 'Enabled',
    htmlMessaging: 'Disabled',
    logging: 'Disabled',
    loggingLevel: 'Off',
    messageArchiving: 'Disabled',
    messagingUrls: 'Enabled',
    photos: 'Enabled',
    saveMessagingHistory: 'Enabled',
  },
};

/** Returns the routes of the application itself (empty template) and of `policies`. */
export function applicationRoutes(pool: Pool): Route[] {
  return [
    {
      template: '',
      methods: {
        GET: ({ application, base, rawQuery }) => {
          const instanceId = new URLSearchParams(rawQuery).get('instanceId') ?? '';
          return {
            ...found(applicationResource(pool, application, instanceId)),
            headers: photoCookieHeader(application, base),
          };
        },
        DELETE: ({ application }) => {
          pool.endApplication(application);
          return noContent;
        },
      },
    },
    { template: 'policies', methods: { GET: () => found(policies) } },
  ];
}
