/** Other people: contacts, groups, search and presence subscriptions. */
import { type Call, inputOf, queryOf, type Route } from './call.ts';
import { failed, found, noContent, type Outcome } from '../representation/outcome.ts';
import type { Pool, Subscription } from '../pool/pool.ts';
import { type Resource, segment } from '../representation/resource.ts';
import { addressBook, checksum, displayName, usualAvailability } from './address-book.ts';

export const peopleResource: Resource = {
  rel: 'people',
  href: 'people',
  links: {
    presenceSubscriptions: 'people/presenceSubscriptions',
    myContacts: 'people/contacts',
    myGroups: 'people/groups',
    search: 'people/search',
  },
};

export const onlineMeetingsResource: Resource = { rel: 'onlineMeetings', href: 'onlineMeetings' };

const parts = ['presence', 'note', 'location', 'supportedMedia', 'privacyRelationship'] as const;

type ContactPart = (typeof parts)[number];

const relOf: Readonly<Record<ContactPart, string>> = {
  presence: 'contactPresence',
  note: 'contactNote',
  location: 'contactLocation',
  supportedMedia: 'contactSupportedModalities',
  privacyRelationship: 'contactPrivacyRelationship',
};

function contactHref(address: string): string {
  return `people/${segment(address)}`;
}

function contact(address: string): Resource {
  const href = contactHref(address);
  return {
    rel: 'contact',
    href,
    properties: {
      uri: `sip:${address}`,
      sourceNetwork: 'SameEnterprise',
      emailAddresses: [address],
      type: 'User',
      name: displayName(address),
    },
    links: {
      contactPhoto: `photos/${segment(address)}`,
      ...Object.fromEntries(parts.map((part) => [relOf[part], `${href}/${part}`])),
    },
    etag: String(checksum(address)),
  };
}

function contactPart(pool: Pool, address: string, part: ContactPart): Resource {
  const user = pool.userAt(address);
  const properties = {
    presence: { availability: user?.availability ?? usualAvailability(address) },
    note: { message: user?.note ?? '', type: 'Personal' },
    location: { location: user?.location ?? '' },
    supportedMedia: { modalities: ['Messaging', 'PhoneAudio'] },
    privacyRelationship: { relationshipLevel: 'Colleagues' },
  }[part];
  return { rel: relOf[part], href: `${contactHref(address)}/${part}`, properties };
}

/** Returns the address in a path without `sip:`, or undefined if it is not an address. */
function addressOf(call: Call): string | undefined {
  const address = (call.params['sip'] ?? '').replace(/^sip:/i, '').toLowerCase();
  return /^[^@]+@[^@]+$/.test(address) ? address : undefined;
}

function ofContact(answer: (address: string) => Resource): Route['methods'] {
  return {
    GET: (call) => {
      const address = addressOf(call);
      return address === undefined ? failed(404) : found(answer(address));
    },
  };
}

/** Returns the resource `rel` at `href`, with the query of the call and these contacts embedded. */
function contactList(call: Call, rel: string, href: string, addresses: readonly string[]): Outcome {
  const query = call.rawQuery === '' ? '' : `?${call.rawQuery}`;
  return found({ rel, href: href + query, embedded: { contact: addresses.map(contact) } });
}

function search(call: Call): Outcome {
  const query = queryOf(call, 'query') ?? queryOf(call, 'mail');
  if (query === undefined || query === '') return failed(400, 'ParameterValidationFailure');
  const wanted = query.replace(/^sip:/i, '').toLowerCase();
  const hits = addressBook.filter((address) =>
    `${address} ${displayName(address).toLowerCase()}`.includes(wanted),
  );
  const limit = Number(queryOf(call, 'limit') ?? 50);
  return contactList(call, 'search', 'people/search', hits.slice(0, limit));
}

const groups: Resource = {
  rel: 'myGroups',
  href: 'people/groups',
  embedded: {
    defaultGroup: {
      rel: 'defaultGroup',
      href: 'people/groups/default',
      properties: { id: 'default', name: 'Other Contacts' },
      links: { groupContacts: 'people/contacts?groupId=default' },
    },
    group: [
      {
        rel: 'group',
        href: 'people/groups/marketing',
        properties: { id: 'marketing', name: 'Sales & Marketing' },
        links: { groupContacts: 'people/contacts?groupId=marketing' },
      },
    ],
  },
};

function subscriptionResource({ id, durationMinutes }: Subscription): Resource {
  const href = `people/presenceSubscriptions/${id}`;
  return { rel: 'presenceSubscription', href, properties: { id, duration: durationMinutes } };
}

function subscribe(pool: Pool, call: Call): Outcome {
  const durationMinutes = Number(inputOf(call, 'duration') ?? 11);
  const subscription = { id: pool.newId(), durationMinutes };
  call.application.subscriptions.set(subscription.id, subscription);
  return { ...found(subscriptionResource(subscription)), status: 201 };
}

function ofSubscription(answer: (call: Call, subscription: Subscription) => Outcome) {
  return (call: Call): Outcome => {
    const subscription = call.application.subscriptions.get(call.params['id'] ?? '');
    return subscription ? answer(call, subscription) : failed(404);
  };
}

const subscriptionMethods: Route['methods'] = {
  GET: ofSubscription((_, subscription) => found(subscriptionResource(subscription))),
  // A POST extends the duration, so a second POST has a second effect.
  POST: ofSubscription((call, subscription) => {
    subscription.durationMinutes += Number(inputOf(call, 'duration') ?? 11);
    return { ...found(subscriptionResource(subscription)), status: 201 };
  }),
  DELETE: ofSubscription((call, { id }) => {
    call.application.subscriptions.delete(id);
    return noContent;
  }),
};

/** Returns the routes of `people` and below, and of `onlineMeetings`. */
export function peopleRoutes(pool: Pool): Route[] {
  return [
    { template: 'people', methods: { GET: () => found(peopleResource) } },
    {
      template: 'people/contacts',
      methods: { GET: (call) => contactList(call, 'myContacts', 'people/contacts', addressBook) },
    },
    { template: 'people/groups', methods: { GET: () => found(groups) } },
    { template: 'people/search', methods: { GET: search } },
    {
      template: 'people/presenceSubscriptions',
      methods: {
        GET: ({ application: { subscriptions } }) =>
          found({
            rel: 'presenceSubscriptions',
            href: 'people/presenceSubscriptions',
            embedded: {
              presenceSubscription: [...subscriptions.values()].map(subscriptionResource),
            },
          }),
        POST: (call) => subscribe(pool, call),
      },
    },
    { template: 'people/presenceSubscriptions/{id}', methods: subscriptionMethods },
    { template: 'people/{sip}', methods: ofContact(contact) },
    ...parts.map((part) => ({
      template: `people/{sip}/${part}`,
      methods: ofContact((address) => contactPart(pool, address, part)),
    })),
    { template: 'onlineMeetings', methods: { GET: () => found(onlineMeetingsResource) } },
  ];
}
