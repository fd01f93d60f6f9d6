/** The signed-in user: `me` and the resources below. Note, presence and location belong to the user. */
import { namesEtag } from '../representation/answer.ts';
import { type Call, inputOf, type Route } from './call.ts';
import { headerValue } from '../representation/headers.ts';
import { failed, found, noContent, type Outcome } from '../representation/outcome.ts';
import { type Application, domain, type Pool, type User } from '../pool/pool.ts';
import { type Resource, segment } from '../representation/resource.ts';
import { displayName } from './address-book.ts';

/** Value that a client must send back in a PUT (UCWA documentation, PUT requests). */
const passBack = 'please pass this in a PUT request';

/** Returns `me`. It has more links after the client called `makeMeAvailable`. */
export function meResource({ user, available }: Application): Resource {
  const address = `${user.name}@${domain}`;
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

const phones: Resource = {
  rel: 'phones',
  href: 'me/phones',
  embedded: {
    phone: [
      { type: 'home', number: 'tel:+4989550100' },
      { type: 'mobile', number: 'tel:+4917055501' },
      { type: 'work', number: 'tel:+4989550101' },
    ].map(({ type, number }) => ({
      rel: 'phone',
      href: `me/phones/${type}`,
      properties: { includeInContactCard: true, number, type },
    })),
  },
};

function callForwarding({ callForwarding: { etag, token, properties } }: User): Resource {
  return {
    rel: 'callForwardingSettings',
    href: 'me/callForwardingSettings',
    properties: { ...properties, [token]: passBack },
    etag,
  };
}

/** Handles PUT, which must name the etag and pass back the token. */
function putCallForwarding(pool: Pool, call: Call): Outcome {
  const { user } = call.application;
  const { etag, token, properties } = user.callForwarding;
  const condition = headerValue(call.headers, 'if-match');
  if (condition === undefined) return failed(428);
  if (!namesEtag(condition, etag)) return failed(412);
  if (inputOf(call, token) !== passBack) return failed(400, 'ParameterValidationFailure');
  const activeSetting = inputOf(call, 'activeSetting') ?? 'None';
  user.callForwarding = {
    etag: pool.newEtag(),
    token: pool.newId(),
    properties: { ...properties, activeSetting },
  };
  return found(callForwarding(user));
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
    { template: 'me/phones', methods: { GET: () => found(phones) } },
    {
      template: 'me/callForwardingSettings',
      methods: {
        GET: ({ application }) => found(callForwarding(application.user)),
        PUT: (call) => putCallForwarding(pool, call),
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
