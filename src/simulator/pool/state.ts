/** The state of users and their applications, as types. */
import type { Editable } from './editable.ts';
import type { EventChannel } from './event-channel.ts';

export interface User {
  readonly name: string;
  /** Whether this user is a guest of a meeting. A guest has no contacts, presence or meetings. */
  readonly isGuest: boolean;
  readonly applications: Set<Application>;
  note: string;
  availability: string;
  location: string;
  callForwarding: Editable;
  /** Groups that the user made, and their members, by id. */
  readonly groups: Map<string, Group>;
  /** Meetings that the user scheduled, by id. */
  readonly meetings: Map<string, Editable>;
}

export interface Group {
  readonly name: Editable;
  readonly members: ReadonlySet<string>;
}

export interface Subscription {
  readonly id: string;
  /** Addresses of the contacts. */
  readonly addresses: readonly string[];
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
  communication: Editable;
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

type ConversationState = 'Connecting' | 'Connected' | 'Disconnected';

export interface Conversation {
  readonly id: string;
  readonly subject: string;
  readonly createdAt: Date;
  state: ConversationState;
  /** Messages by id. */
  readonly messages: Map<string, Message>;
  /** Addresses of the remote participants. */
  readonly participants: Set<string>;
  /** The conversation of the other side, if a signed-in user takes part. */
  peer: Side | undefined;
  /** Uri of the meeting that this conversation belongs to. */
  readonly meetingUri: string | undefined;
}

/** One side of a conversation between two signed-in users. */
export interface Side {
  readonly application: Application;
  readonly conversation: Conversation;
}

export interface Message {
  readonly direction: 'Incoming' | 'Outgoing';
  /** Address of the sender. */
  readonly from: string;
  readonly text: string;
  readonly sentAt: Date;
  /** `operationId` or `operationContext` with its value, as the client gave it. */
  readonly operation: Readonly<Record<string, string>>;
}

export interface Invitation {
  readonly rel: 'messagingInvitation' | 'onlineMeetingInvitation' | 'participantInvitation';
  readonly id: string;
  readonly conversation: Conversation;
  readonly direction: 'Incoming' | 'Outgoing';
  /** Address of the sender. */
  readonly from: string;
  /** Uri of the receiver, as the client gave it. */
  readonly to: string;
  /** Text of the first message, if the invitation has one. */
  readonly text: string | undefined;
  readonly operation: Readonly<Record<string, string>>;
  state: 'Connecting' | 'Connected' | 'Declined';
  /** The invitation of the other side, if a signed-in user is invited. */
  peer: { readonly application: Application; readonly invitation: Invitation } | undefined;
}
