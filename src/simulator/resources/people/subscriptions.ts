/** Presence subscriptions, and the contacts that they cover. */
import { type Call, inputOf, listInputOf, queryOf, type Route } from '../call.ts';
import { failed, found, noContent, type Outcome } from '../../representation/outcome.ts';
import { type Pool, sipAddress } from '../../pool/pool.ts';
import type { Application, Subscription } from '../../pool/state.ts';
import type { Resource } from '../../representation/resource.ts';
import { contactHref, contactList } from './contacts.ts';
import { membersOf } from './groups.ts';

const href = 'people/presenceSubscriptions';
const subscribed = { rel: 'subscribedContacts', href: 'people/subscribedContacts' };
const people = { rel: 'people', href: 'people' };

function subscriptionResource({ id, durationMinutes }: Subscription): Resource {
  return {
    rel: 'presenceSubscription',
    href: `${href}/${id}`,
    properties: { id, duration: durationMinutes },
    links: { addToPresenceSubscription: `${href}/${id}` },
  };
}

/** Returns the addresses that a subscription names, by their uris or by a group. */
function addressesIn(call: Call): string[] {
  const given = listInputOf(call, 'uris') ?? [];
  const group = queryOf(call, 'groupId');
  const members = group === undefined ? [] : (membersOf(call.application.user, group) ?? []);
  return [...given.map((uri) => sipAddress(uri)), ...members].filter((one) => one !== undefined);
}

/** Reports the contacts of a new subscription, as `added`, and then their presence and notes. */
function announce(pool: Pool, application: Application, { addresses }: Subscription): void {
  for (const address of addresses) {
    const contact = contactHref(address);
    const same = { sender: people, priority: 'medium' } as const;
    pool.tell(application, {
      type: 'added',
      rel: 'contact',
      href: contact,
      in: subscribed,
      ...same,
    });
    for (const [rel, part] of [
      ['contactPresence', 'presence'],
      ['contactNote', 'note'],
    ] as const) {
      const within = { rel: 'contact', href: contact };
      const news = { rel, href: `${contact}/${part}`, in: within };
      pool.tell(application, { type: 'updated', ...news, ...same });
    }
  }
}

function subscribe(pool: Pool, call: Call): Outcome {
  const durationMinutes = Number(inputOf(call, 'duration') ?? 11);
  const subscription = { id: pool.newId(), durationMinutes, addresses: addressesIn(call) };
  call.application.subscriptions.set(subscription.id, subscription);
  announce(pool, call.application, subscription);
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

/** Returns the routes of presence subscriptions and of the subscribed contacts. */
export function subscriptionRoutes(pool: Pool): Route[] {
  return [
    {
      template: href,
      methods: {
        GET: ({ application: { subscriptions } }) =>
          found({
            rel: 'presenceSubscriptions',
            href,
            embedded: {
              presenceSubscription: [...subscriptions.values()].map(subscriptionResource),
            },
          }),
        POST: (call) => subscribe(pool, call),
      },
    },
    { template: `${href}/{id}`, methods: subscriptionMethods },
    {
      template: subscribed.href,
      methods: {
        GET: (call) => {
          const all = [...call.application.subscriptions.values()].flatMap((one) => one.addresses);
          return contactList(call, subscribed.rel, subscribed.href, new Set(all));
        },
      },
    },
  ];
}
