/** The application resource with its embedded resources. */
import type { Route } from './call.ts';
import { found, noContent } from '../representation/outcome.ts';
import type { Pool } from '../pool/pool.ts';
import type { Application } from '../pool/state.ts';
import type { Resource } from '../representation/resource.ts';
import { communicationResource } from './communication/conversation-resources.ts';
import { fixedResource } from './fixed-resources.ts';
import { meResource } from './me.ts';

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
  const { culture, userAgent, endpointId } = application.endpoint;
  return {
    rel: 'application',
    href: instanceId === '' ? '' : `?instanceId=${encodeURIComponent(instanceId)}`,
    properties: { id: application.id, culture, endpointId, userAgent },
    links: {
      policies: 'policies',
      batch: 'batch',
      events: pool.channel(application, instanceId).href,
      ...(application.available ? { reportMyActivity: 'me/reportMyActivity' } : {}),
    },
    embedded: {
      me: meResource(application),
      ...(application.user.isGuest
        ? {}
        : { people: fixedResource('people'), onlineMeetings: fixedResource('onlineMeetings') }),
      communication: communicationResource(application),
    },
    etag: application.etag,
  };
}

/** Returns the route of the application itself. Its template is empty. */
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
  ];
}
