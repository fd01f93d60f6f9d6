/** The state of the pool: its users and their applications. */
import { BoundedMap } from './bounded.ts';
import { EventChannel } from './event-channel.ts';
import type { Application, Conversation, Endpoint, User } from './state.ts';
import type { Editable } from './editable.ts';
import type { ChannelEvent } from '../representation/event-set.ts';
import { digits, guid, opaque, type Random } from './prng.ts';
import type { Timers } from './timers.ts';

/** The domain of every address in the simulated pool. */
export const domain = 'pool.example';

/** Beginning of the names of meeting guests. No other user name contains a hyphen. */
export const guestPrefix = 'guest-';

export interface PoolSettings {
  readonly random: Random;
  readonly timers: Timers;
  readonly eventSecondMs: number;
  /** `any`: the first request with an unknown id creates its application or conversation. */
  readonly ids: 'created' | 'any';
}

export function addressOf({ name }: Pick<User, 'name'>): string {
  return `${name}@${domain}`;
}

/** Returns the address in a SIP uri or in an address, in lower case; undefined for other text. */
export function sipAddress(uri: string): string | undefined {
  return /^(?:sip:)?([^@\s]+@[^@\s]+)$/i.exec(uri)?.[1]?.toLowerCase();
}

/** Maximum number of applications of a user; a new one ends the oldest. The real limit is unknown. */
const maxApplicationsPerUser = 1000;

function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.endpointId === b.endpointId && a.culture === b.culture && a.userAgent === b.userAgent;
}

export class Pool {
  readonly #settings: PoolSettings;
  readonly #users = new BoundedMap<string, User>(100_000);
  readonly #applications = new BoundedMap<string, Application>(100_000);
  readonly #ended = new BoundedMap<string, true>(100_000);

  constructor(settings: PoolSettings) {
    this.#settings = settings;
  }

  /** Returns a new id, for example for a conversation or a message. */
  newId(): string {
    return guid(this.#settings.random);
  }

  newEtag(): string {
    return digits(this.#settings.random, 9);
  }

  /** Returns a new state of an editable resource. */
  newEditable(properties: Editable['properties']): Editable {
    return { etag: this.newEtag(), token: this.newId(), properties };
  }

  user(name: string): User {
    let user = this.#users.get(name);
    if (!user) {
      user = {
        name,
        isGuest: name.startsWith(guestPrefix),
        applications: new Set(),
        note: '',
        availability: 'Online',
        location: '',
        callForwarding: this.newEditable({ activePeriod: 'Always', activeSetting: 'None' }),
        groups: new BoundedMap(100),
        meetings: new BoundedMap(100),
      };
      this.#users.set(name, user);
    }
    return user;
  }

  /** Returns the user with this address, if the user has made a request before. */
  userAt(address: string): User | undefined {
    const [name, host] = address.split('@');
    return host === domain ? this.#users.get(name ?? '') : undefined;
  }

  /** Returns an application of the user with this address that can receive invitations. */
  availableApplication(address: string): Application | undefined {
    const applications = [...(this.userAt(address)?.applications ?? [])];
    return applications.findLast(({ available }) => available);
  }

  /** Returns the uri of a new meeting. */
  newMeetingUri(organizer: User): string {
    const id = digits(this.#settings.random, 8);
    return `sip:${addressOf(organizer)};gruu;opaque=app:conf:focus:id:${id}`;
  }

  /** Returns the application with this id, unless it belongs to another user. */
  application(id: string, userName: string): Application | undefined {
    const known = this.#applications.get(id);
    if (known) return known.user.name === userName ? known : undefined;
    if (this.#settings.ids === 'created' || this.#ended.has(id)) return undefined;
    return this.#add(id, userName, { endpointId: id, culture: 'en-US', userAgent: 'unknown' });
  }

  /** Returns the user's application on this endpoint, and whether it is new. */
  createApplication(
    userName: string,
    endpoint: Endpoint,
  ): { made: boolean; application: Application } {
    for (const application of this.user(userName).applications) {
      if (isSameEndpoint(application.endpoint, endpoint)) return { made: false, application };
    }
    const id = digits(this.#settings.random, 12);
    return { made: true, application: this.#add(id, userName, endpoint) };
  }

  endApplication(application: Application): void {
    this.#applications.delete(application.id);
    this.#ended.set(application.id, true);
    application.user.applications.delete(application);
    for (const channel of application.channels.values()) channel.close();
  }

  /** Returns the application with this id, if one of these cookies belongs to it. */
  applicationByPhotoCookie(id: string, cookies: readonly string[]): Application | undefined {
    const application = this.#applications.get(id);
    return application && cookies.includes(application.photoCookie) ? application : undefined;
  }

  /** Returns the event channel of one instance (browser tab) of an application. */
  channel(application: Application, instanceId = ''): EventChannel {
    let channel = application.channels.get(instanceId);
    if (!channel) {
      const { timers, eventSecondMs } = this.#settings;
      channel = new EventChannel(timers, eventSecondMs, instanceId);
      application.channels.set(instanceId, channel);
    }
    return channel;
  }

  /** Publishes an event to all instances of one application. */
  tell(application: Application, event: ChannelEvent): void {
    for (const channel of application.channels.values()) channel.publish(event);
  }

  /** Publishes an event to all applications of a user. */
  tellUser(user: User, event: ChannelEvent): void {
    for (const application of user.applications) this.tell(application, event);
  }

  /** Returns the conversation with this id, unless it is unknown or has ended. */
  conversation(application: Application, id: string): Conversation | undefined {
    const known = application.conversations.get(id);
    if (known || this.#settings.ids === 'created' || application.endedConversations.has(id)) {
      return known;
    }
    return this.startConversation(application, { id, state: 'Connected' });
  }

  startConversation(application: Application, given: Partial<Conversation>): Conversation {
    const conversation: Conversation = {
      id: given.id ?? this.newId(),
      subject: given.subject ?? '',
      createdAt: new Date(),
      state: given.state ?? 'Connecting',
      messages: new BoundedMap(100),
      participants: given.participants ?? new Set(),
      peer: undefined,
      meetingUri: given.meetingUri,
    };
    application.conversations.set(conversation.id, conversation);
    return conversation;
  }

  #add(id: string, userName: string, endpoint: Endpoint): Application {
    const user = this.user(userName);
    const [oldest] = user.applications;
    if (oldest && user.applications.size >= maxApplicationsPerUser) this.endApplication(oldest);
    const application: Application = {
      id,
      user,
      endpoint,
      etag: this.newEtag(),
      communication: this.newEditable({
        supportedModalities: ['Messaging'],
        supportedMessageFormats: ['Plain'],
      }),
      photoCookie: opaque(this.#settings.random, 43),
      available: false,
      channels: new BoundedMap(100),
      conversations: new BoundedMap(1000),
      endedConversations: new BoundedMap(1000),
      invitations: new BoundedMap(1000),
      subscriptions: new BoundedMap(1000),
    };
    this.channel(application);
    user.applications.add(application);
    this.#applications.set(id, application);
    return application;
  }
}
