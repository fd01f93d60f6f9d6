/** The resources of conversations, and their hrefs. */
import { addressOf } from '../../pool/pool.ts';
import type { Application, Conversation, Invitation, Message } from '../../pool/state.ts';
import { displayName } from '../people/address-book.ts';
import { editableResource } from '../editing.ts';
import { type Resource, segment } from '../../representation/resource.ts';

export const conversationsHref = 'communication/conversations';

export function conversationHref({ id }: Pick<Conversation, 'id'>): string {
  return `${conversationsHref}/${segment(id)}`;
}

export function invitationHref({ rel, id }: Pick<Invitation, 'rel' | 'id'>): string {
  return `communication/${rel}s/${segment(id)}`;
}

export function communicationResource({ communication }: Application): Resource {
  const links = {
    startMessaging: 'communication/messagingInvitations',
    startOnlineMeeting: 'communication/onlineMeetingInvitations?onlineMeetingUri=adhoc',
    joinOnlineMeeting: 'communication/onlineMeetingInvitations',
    conversations: `${conversationsHref}?filter=active`,
    missedItems: 'communication/missedItems',
    conversationLogs: 'communication/conversationLogs',
  };
  return editableResource({ rel: 'communication', href: 'communication', links }, communication);
}

export function conversationResource(conversation: Conversation): Resource {
  const { id, subject, createdAt, state, meetingUri } = conversation;
  const href = conversationHref(conversation);
  return {
    rel: 'conversation',
    href,
    properties: { state, threadId: id, subject, importance: 'Normal', created: createdAt },
    links: {
      messaging: `${href}/messaging`,
      localParticipant: `${href}/localParticipant`,
      participants: `${href}/participants`,
      addParticipant: `communication/participantInvitations?conversation=${segment(id)}`,
      ...(meetingUri === undefined ? {} : { onlineMeeting: `${href}/onlineMeeting` }),
    },
  };
}

/** Returns the messaging of a conversation. It has the links for messages while it is connected. */
export function messagingResource(conversation: Conversation): Resource {
  const href = `${conversationHref(conversation)}/messaging`;
  const isConnected = conversation.state === 'Connected';
  return {
    rel: 'messaging',
    href,
    properties: { state: conversation.state, negotiatedMessageFormats: ['Plain'] },
    links: {
      conversation: conversationHref(conversation),
      ...(isConnected
        ? { sendMessage: `${href}/messages`, setIsTyping: `${href}/typing` }
        : { addMessaging: href }),
      stopMessaging: `${href}/terminate`,
    },
  };
}

/** Returns a participant of a conversation. `address` is the address of a user or a meeting guest. */
export function participantResource(
  conversation: Conversation,
  address: string,
  rel: 'participant' | 'localParticipant' = 'participant',
): Resource {
  const href =
    rel === 'localParticipant'
      ? `${conversationHref(conversation)}/localParticipant`
      : participantHref(conversation, address);
  return {
    rel,
    href,
    properties: {
      name: displayName(address),
      uri: `sip:${address}`,
      anonymous: false,
      sourceNetwork: 'SameEnterprise',
    },
    links: {
      conversation: conversationHref(conversation),
      contact: `people/${segment(address)}`,
      contactPhoto: `photos/${segment(address)}`,
      contactPresence: `people/${segment(address)}/presence`,
    },
  };
}

export function participantHref(conversation: Conversation, address: string): string {
  return `${conversationHref(conversation)}/participants/${segment(address)}`;
}

export function participantsResource(conversation: Conversation): Resource {
  return {
    rel: 'participants',
    href: `${conversationHref(conversation)}/participants`,
    embedded: {
      participant: [...conversation.participants].map((address) =>
        participantResource(conversation, address),
      ),
    },
  };
}

export function localParticipantResource(
  { user }: Application,
  conversation: Conversation,
): Resource {
  return participantResource(conversation, addressOf(user), 'localParticipant');
}

export function onlineMeetingResource(conversation: Conversation): Resource {
  return {
    rel: 'onlineMeeting',
    href: `${conversationHref(conversation)}/onlineMeeting`,
    properties: { onlineMeetingUri: conversation.meetingUri ?? '' },
    links: { conversation: conversationHref(conversation) },
  };
}

export function messageHref(conversation: Conversation, id: string): string {
  return `${conversationHref(conversation)}/messaging/messages/${segment(id)}`;
}

export function messageResource(
  conversation: Conversation,
  id: string,
  { direction, from, text, sentAt, operation }: Message,
): Resource {
  return {
    rel: 'message',
    href: messageHref(conversation, id),
    properties: { direction, timeStamp: sentAt, ...operation },
    links: {
      contact: `people/${segment(from)}`,
      participant:
        direction === 'Incoming'
          ? participantHref(conversation, from)
          : `${conversationHref(conversation)}/localParticipant`,
      messaging: `${conversationHref(conversation)}/messaging`,
      plainMessage: textHref(text),
    },
  };
}

/** Returns an invitation. An incoming one can be accepted and declined while it is connecting. */
export function invitationResource(invitation: Invitation): Resource {
  const { conversation, direction, from, to, text, operation, state } = invitation;
  const href = invitationHref(invitation);
  const isOpen = direction === 'Incoming' && state === 'Connecting';
  return {
    rel: invitation.rel,
    href,
    properties: {
      direction,
      importance: 'Normal',
      subject: conversation.subject,
      to,
      state,
      ...operation,
    },
    links: {
      conversation: conversationHref(conversation),
      messaging: `${conversationHref(conversation)}/messaging`,
      ...(text === undefined ? {} : { message: textHref(text) }),
      ...(isOpen
        ? { accept: `${href}/accept`, decline: `${href}/decline` }
        : { cancel: `${href}/cancel` }),
    },
    ...(direction === 'Incoming'
      ? { embedded: { from: participantResource(conversation, from) } }
      : {}),
  };
}

function textHref(text: string): string {
  return `data:text/plain;charset=utf8,${encodeURIComponent(text)}`;
}
