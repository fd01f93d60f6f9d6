/** The signed-in user: `me` and the resources below. Note, presence and location belong to the user. */
import { inputOf, type Route } from './call.ts';
import { found, noContent } from '../representation/outcome.ts';
import { addressOf, type Pool } from '../pool/pool.ts';
import type { Application, User } from '../pool/state.ts';
import { type Resource, segment } from '../representation/resource.ts';
import { displayName } from './people/address-book.ts';
import { editableResource, putEditable } from './editing.ts';

/** Returns `me`. It has more links after the client called `makeMeAvailable`. */
export function meResource({ user, available }: Application): Resource {
  const address = addressOf(user);
  if (user.isGuest) {
    return {
      rel: 'me',
      href: 'me',
      properties: { name: displayName(address), uri: `sip:${address}` },
    };
  }
  return {
    rel: 'me',
    href: 'me',
    properties: {
      name: displayName(address),
      uri: `sip:${address}`,
      emailAddresses: [address],
      title: 'Marketing Assistant',
      department: 'Sales & Marketing',
    },
    links: {
      ...(available
        ? {
            note: 'me/note',
            presence: 'me/presence',
            location: 'me/location',
            reportMyActivity: 'me/reportMyActivity',
          }
        : { makeMeAvailable: 'me/makeMeAvailable' }),
      callForwardingSettings: 'me/callForwardingSettings',
      phones: 'me/phones',
      photo: `photos/${segment(address)}`,
    },
  };
}

function callForwarding({ callForwarding: state }: User): Resource {
  return editableResource(
    { rel: 'callForwardingSettings', href: 'me/callForwardingSettings' },
    state,
  );
}

/** Returns the route of a text. POST replaces the text, and sends an event to all applications of the user. */
function textRoute(
  pool: Pool,
  rel: 'note' | 'presence' | 'location',
  input: string,
  state: {
    readonly read: (user: User) => Resource['properties'] & object;
    readonly write: (user: User, text: string) => void;
  },
): Route {
  const href = `me/${rel}`;
  return {
    template: href,
    methods: {
      GET: ({ application: { user } }) => found({ rel, href, properties: state.read(user) }),
      POST: (call) => {
        const { user } = call.application;
        state.write(user, inputOf(call, input) ?? '');
        pool.tellUser(user, { type: 'updated', rel, href, priority: 'medium' });
        return noContent;
      },
    },
  };
}

/** Returns the routes of `me` and below, and of activity reports directly below the application. */
export function meRoutes(pool: Pool): Route[] {
  return [
    { template: 'me', methods: { GET: ({ application }) => found(meResource(application)) } },
    textRoute(pool, 'note', 'message', {
      read: ({ note }) => ({ message: note, type: 'Personal' }),
      write: (user, text) => void (user.note = text),
    }),
    textRoute(pool, 'presence', 'availability', {
      read: ({ availability }) => ({ availability }),
      // An empty availability resets the presence to the one that the pool determines.
      write: (user, text) => void (user.availability = text === '' ? 'Online' : text),
    }),
    textRoute(pool, 'location', 'location', {
      read: ({ location }) => ({ location }),
      write: (user, text) => void (user.location = text),
    }),
    {
      template: 'me/callForwardingSettings',
      methods: {
        GET: ({ application }) => found(callForwarding(application.user)),
        PUT: (call) => {
          const { user } = call.application;
          return putEditable(pool, call, user.callForwarding, (next) => {
            user.callForwarding = next;
            return callForwarding(user);
          });
        },
      },
    },
    {
      template: 'me/makeMeAvailable',
      methods: {
        POST: ({ application }) => {
          application.available = true;
          pool.tell(application, { type: 'updated', rel: 'me', href: 'me', priority: 'medium' });
          return noContent;
        },
      },
    },
    { template: 'me/reportMyActivity', methods: { POST: () => noContent } },
    { template: 'reportMyActivity', methods: { POST: () => noContent } },
  ];
}
