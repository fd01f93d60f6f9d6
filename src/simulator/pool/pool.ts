/** The state of the pool: its users and their applications. */
import { BoundedMap } from './bounded.ts';
import { EventChannel } from './event-channel.ts';
import type { ChannelEvent } from '../representation/event-set.ts';
import { digits, guid, opaque, type Random } from './prng.ts';
import type { Value } from '../representation/resource.ts';
import type { Timers } from './timers.ts';

/** The domain of every address in the simulated pool. */
export const domain = 'pool.example';

/** A resource that PUT replaces. The PUT must name its etag, and pass back the property `token`. */
interface Editable {
  readonly etag: string;
  /** Name of the property that a PUT must pass back. */
  readonly token: string;
  readonly properties: Readonly<Record<string, Value>>;
}

export interface User {
  readonly name: string;
  readonly applications: Set<Application>;
  note: string;
  availability: string;
  location: string;
  callForwarding: Editable;
}

export interface Conversation {
  readonly id: string;
  readonly subject: string;
  readonly createdAt: Date;
  /** Sent messages by id. */
  readonly messages: Map<string, SentMessage>;
}

export interface SentMessage {
  readonly text: string;
  readonly sentAt: Date;
  /** `operationId` or `operationContext` with its value, as the client gave it. */
  readonly operation: Readonly<Record<string, string>>;
}

export interface Invitation {
  readonly id: string;
  readonly conversationId: string;
  readonly to: string;
  readonly operation: Readonly<Record<string, string>>;
  state: 'Connecting' | 'Connected';
}

export interface Subscription {
  readonly id: string;
  durationMinutes: number;
}

/** Facts that identify an application of a user. A client sends them to create the application. */
export interface Endpoint {
  readonly endpointId: string;
  readonly culture: string;
  readonly userAgent: string;
}

export interface Application {
  readonly id: string;
  readonly user: User;
  readonly endpoint: Endpoint;
  readonly etag: string;
  /** Value of the cookie that is a browser's credential for this application's photos. */
  readonly photoCookie: string;
  /** Whether the client has called `makeMeAvailable`. */
  available: boolean;
  /** Event channels by instance id. The empty id is the application itself. */
  readonly channels: Map<string, EventChannel>;
  readonly conversations: Map<string, Conversation>;
  readonly endedConversations: Map<string, true>;
  readonly invitations: Map<string, Invitation>;
  readonly subscriptions: Map<string, Subscription>;
}

export interface PoolSettings {
  readonly random: Random;
  readonly timers: Timers;
  readonly eventSecondMs: number;
  /** `any`: the first request with an unknown id creates its application or conversation. */
  readonly ids: 'created' | 'any';
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

  user(name: string): User {
    let user = this.#users.get(name);
    if (!user) {
      user = {
        name,
        applications: new Set(),
        note: '',
        availability: 'Online',
        location: '',
        callForwarding: {
          etag: this.newEtag(),
          token: this.newId(),
          properties: { activePeriod: 'Always', activeSetting: 'None' },
        },
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
    return this.startConversation(application, id, '');
  }

  startConversation(application: Application, id: string, subject: string): Conversation {
    const conversation = {
      id,
      subject,
      createdAt: new Date(),
      messages: new BoundedMap<string, SentMessage>(100),
    };
    application.conversations.set(id, conversation);
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
