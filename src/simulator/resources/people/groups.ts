/** Groups of contacts, and which contacts are in them. */
import { type Call, inputOf, queryOf, type Route } from '../call.ts';
import { editableResource, putEditable } from '../editing.ts';
import { failed, found, noContent, type Outcome } from '../../representation/outcome.ts';
import { type Pool, sipAddress } from '../../pool/pool.ts';
import type { Group, User } from '../../pool/state.ts';
import type { Resource } from '../../representation/resource.ts';
import { addressBook } from './address-book.ts';
import { contactHref, contactList } from './contacts.ts';

const href = 'people/groups';
const membershipsHref = 'people/groupMemberships';

/** Groups that every user has, with their contacts. A user cannot change them. */
const fixedGroups: Readonly<Record<string, { rel: string; name: string }>> = {
  default: { rel: 'defaultGroup', name: 'Other Contacts' },
  pinned: { rel: 'pinnedGroup', name: 'Favorites' },
  marketing: { rel: 'group', name: 'Sales & Marketing' },
};

const membersOfFixed = (id: string): readonly string[] =>
  id === 'pinned' ? addressBook.slice(0, 3) : addressBook;

/** Returns the addresses in the user's group with this id, or undefined if there is no such group. */
export function membersOf(user: User, id: string): Iterable<string> | undefined {
  if (id in fixedGroups) return membersOfFixed(id);
  return user.groups.get(id)?.members;
}

function links(id: string): Resource['links'] & object {
  return {
    groupContacts: `people/contacts?groupId=${id}`,
    subscribeToGroupPresence: `people/presenceSubscriptions?groupId=${id}`,
  };
}

function groupResource(id: string, group: Group | undefined): Resource | undefined {
  const common = { href: `${href}/${id}`, links: links(id) };
  const fixed = fixedGroups[id];
  if (fixed) return { rel: fixed.rel, properties: { id, name: fixed.name }, ...common };
  if (!group) return undefined;
  const resource = editableResource({ rel: 'group', ...common }, group.name);
  return { ...resource, properties: { id, ...resource.properties } };
}

/** Returns a group that the user made. */
function ownGroup(id: string, group: Group): Resource {
  return groupResource(id, group) ?? { rel: 'group', href: `${href}/${id}` };
}

function groupsOf(user: User): Resource {
  const [byDefault, pinned, ...others] = Object.keys(fixedGroups).map(
    (id) => groupResource(id, undefined) as Resource,
  );
  const own = [...user.groups].map(([id, group]) => ownGroup(id, group));
  return {
    rel: 'myGroups',
    href,
    embedded: {
      ...(byDefault && { defaultGroup: byDefault }),
      ...(pinned && { pinnedGroup: pinned }),
      group: [...others, ...own],
    },
  };
}

function makeGroup(pool: Pool, call: Call): Outcome {
  const name = inputOf(call, 'displayName') ?? inputOf(call, 'name');
  if (name === undefined) return failed(400, 'ParameterValidationFailure');
  const id = pool.newId();
  call.application.user.groups.set(id, { name: pool.newEditable({ name }), members: new Set() });
  tellOfGroup(pool, call, 'added', id);
  return noContent;
}

function tellOfGroup(pool: Pool, call: Call, type: 'added' | 'deleted' | 'updated', id: string) {
  const sender = { rel: 'people', href: 'people' };
  pool.tellUser(call.application.user, { type, rel: 'group', href: `${href}/${id}`, sender });
}

function groupMethods(pool: Pool): Route['methods'] {
  const own = (answer: (call: Call, id: string, group: Group) => Outcome) => (call: Call) => {
    const id = call.params['id'] ?? '';
    const group = call.application.user.groups.get(id);
    if (group) return answer(call, id, group);
    return id in fixedGroups ? failed(403, 'OperationNotSupported') : failed(404);
  };
  return {
    GET: ({ application, params: { id = '' } }) => {
      const resource = groupResource(id, application.user.groups.get(id));
      return resource ? found(resource) : failed(404);
    },
    PUT: own((call, id, group) =>
      putEditable(pool, call, group.name, (name) => {
        const next = { ...group, name };
        call.application.user.groups.set(id, next);
        tellOfGroup(pool, call, 'updated', id);
        return ownGroup(id, next);
      }),
    ),
    DELETE: own((call, id) => {
      call.application.user.groups.delete(id);
      tellOfGroup(pool, call, 'deleted', id);
      return noContent;
    }),
  };
}

function membership(id: string, address: string): Resource {
  return {
    rel: 'myGroupMembership',
    href: `${membershipsHref}/${id},${address}`,
    links: { contact: contactHref(address), group: `${href}/${id}` },
  };
}

function memberships({ application: { user } }: Call): Outcome {
  const ids = [...Object.keys(fixedGroups), ...user.groups.keys()];
  return found({
    rel: 'myGroupMemberships',
    href: membershipsHref,
    links: { removeContactFromAllGroups: `${membershipsHref}/removeContactFromAllGroups` },
    embedded: {
      myGroupMembership: ids.flatMap((id) =>
        [...(membersOf(user, id) ?? [])].map((address) => membership(id, address)),
      ),
    },
  });
}

function oneMembership({ application: { user }, params }: Call): Outcome {
  const [id = '', address = ''] = (params['membership'] ?? '').split(',');
  const isMember = [...(membersOf(user, id) ?? [])].includes(address);
  return isMember ? found(membership(id, address)) : failed(404);
}

/** Adds a contact to a group, or removes it from all groups that the user made. */
function changeMembership(pool: Pool, call: Call, isAdded: boolean): Outcome {
  const address = sipAddress(inputOf(call, 'contactUri') ?? '');
  if (address === undefined) return failed(400, 'ParameterValidationFailure');
  const { user } = call.application;
  const wanted = isAdded ? [queryOf(call, 'groupId') ?? 'default'] : [...user.groups.keys()];
  for (const id of wanted) {
    if (membersOf(user, id) === undefined) return failed(404);
    const group = user.groups.get(id);
    if (!group) continue;
    const others = [...group.members].filter((one) => one !== address);
    user.groups.set(id, { ...group, members: new Set(isAdded ? [...others, address] : others) });
    const news = {
      rel: 'contact',
      href: contactHref(address),
      in: { rel: 'group', href: `${href}/${id}` },
    };
    pool.tellUser(user, {
      ...{
        type: isAdded ? 'added' : 'deleted',
        ...news,
        sender: { rel: 'people', href: 'people' },
      },
    });
  }
  return noContent;
}

/** Returns the routes of groups, their contacts and memberships. */
export function groupRoutes(pool: Pool): Route[] {
  return [
    {
      template: 'people/contacts',
      methods: {
        GET: (call) => {
          const members = membersOf(call.application.user, queryOf(call, 'groupId') ?? 'default');
          return members
            ? contactList(call, 'myContacts', 'people/contacts', members)
            : failed(404);
        },
      },
    },
    {
      template: href,
      methods: {
        GET: ({ application }) => found(groupsOf(application.user)),
        POST: (call) => makeGroup(pool, call),
      },
    },
    { template: `${href}/{id}`, methods: groupMethods(pool) },
    {
      template: membershipsHref,
      methods: { GET: memberships, POST: (call) => changeMembership(pool, call, true) },
    },
    {
      template: `${membershipsHref}/removeContactFromAllGroups`,
      methods: { POST: (call) => changeMembership(pool, call, false) },
    },
    { template: `${membershipsHref}/{membership}`, methods: { GET: oneMembership } },
  ];
}
