/** The resources of contacts, and lists of contacts. */
import { type Call, queryOf, type Route } from '../call.ts';
import { failed, found, type Outcome } from '../../representation/outcome.ts';
import { type Pool, sipAddress } from '../../pool/pool.ts';
import { type Resource, segment } from '../../representation/resource.ts';
import { addressBook, checksum, displayName, usualAvailability } from './address-book.ts';

const parts = ['presence', 'note', 'location', 'supportedMedia', 'privacyRelationship'] as const;

type ContactPart = (typeof parts)[number];

const relOf: Readonly<Record<ContactPart, string>> = {
  presence: 'contactPresence',
  note: 'contactNote',
  location: 'contactLocation',
  supportedMedia: 'contactSupportedModalities',
  privacyRelationship: 'contactPrivacyRelationship',
};

export function contactHref(address: string): string {
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

function ofContact(answer: (address: string) => Resource): Route['methods'] {
  return {
    GET: ({ params }) => {
      const address = sipAddress(params['sip'] ?? '');
      return address === undefined ? failed(404) : found(answer(address));
    },
  };
}

/** Returns the resource `rel` at `href`, with the query of the call and these contacts embedded. */
export function contactList(
  call: Call,
  rel: string,
  href: string,
  addresses: Iterable<string>,
): Outcome {
  const query = call.rawQuery === '' ? '' : `?${call.rawQuery}`;
  return found({ rel, href: href + query, embedded: { contact: [...addresses].map(contact) } });
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

/** Returns the routes of contacts and of the search. */
export function contactRoutes(pool: Pool): Route[] {
  return [
    { template: 'people/search', methods: { GET: search } },
    { template: 'people/{sip}', methods: ofContact(contact) },
    ...parts.map((part) => ({
      template: `people/{sip}/${part}`,
      methods: ofContact((address) => contactPart(pool, address, part)),
    })),
  ];
}
