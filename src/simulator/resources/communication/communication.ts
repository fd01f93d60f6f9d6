/**
 * The routes of conversations, messages and invitations.
 *
 * A POST that sends a message or starts a conversation starts an operation. Its answer is 201 with a
 * Location and no body. Events report the progress, with the `operationId` or `operationContext` of the
 * client. The `started` event is published before the answer is sent.
 */
import { type Call, queryOf, type Route } from '../call.ts';
import type { Conversation, Invitation } from '../../pool/state.ts';
import type { Pool } from '../../pool/pool.ts';
import { putEditable } from '../editing.ts';
import { failed, found, type Outcome } from '../../representation/outcome.ts';
import { accept, addParticipant, decline, joinMeeting, startMessaging } from './invitations.ts';
import { endConversation, sendMessage, setIsTyping } from './messages.ts';
import { ConversationEvents, type Later } from './conversation-events.ts';
import {
  communicationResource,
  conversationResource,
  conversationsHref,
  invitationResource,
  localParticipantResource,
  messageResource,
  messagingResource,
  onlineMeetingResource,
  participantResource,
  participantsResource,
} from './conversation-resources.ts';

type Methods = Route['methods'];

/** Handler of a call that needs the conversation with the `{id}` of the path. */
type Within = (call: Call, conversation: Conversation) => Outcome;

/** Handler of a call that needs the invitation with the `{id}` of the path. */
type OfInvitation = (call: Call, invitation: Invitation) => Outcome;

/** Returns the routes of `communication` and below. */
export function communicationRoutes(pool: Pool, later: Later): Route[] {
  const events = new ConversationEvents(pool, later);
  return [
    { template: 'communication', methods: communicationMethods(pool) },
    { template: conversationsHref, methods: { GET: listConversations } },
    ...conversationRoutes(pool, events),
    {
      template: 'communication/messagingInvitations',
      methods: { POST: (call) => startMessaging(events, call) },
    },
    {
      template: 'communication/onlineMeetingInvitations',
      methods: { POST: (call) => joinMeeting(events, call) },
    },
    {
      template: 'communication/participantInvitations',
      methods: {
        POST: (call) => {
          const id = queryOf(call, 'conversation') ?? '';
          const conversation = pool.conversation(call.application, id);
          return conversation ? addParticipant(events, call, conversation) : noConversation;
        },
      },
    },
    ...invitationRoutes(events),
  ];
}

const noConversation = failed(404, 'ConversationNotFound');

function communicationMethods(pool: Pool): Methods {
  return {
    GET: ({ application }) => found(communicationResource(application)),
    PUT: (call) => {
      const { application } = call;
      return putEditable(pool, call, application.communication, (next) => {
        application.communication = next;
        const embedded = communicationResource(application);
        const { rel, href } = embedded;
        pool.tell(application, { type: 'updated', rel, href, embedded, priority: 'medium' });
        return embedded;
      });
    },
  };
}

function listConversations({ application, rawQuery }: Call): Outcome {
  return found({
    rel: 'conversations',
    href: conversationsHref + (rawQuery === '' ? '' : `?${rawQuery}`),
    embedded: { conversation: [...application.conversations.values()].map(conversationResource) },
  });
}

function conversationRoutes(pool: Pool, events: ConversationEvents): Route[] {
  const methods: Readonly<Record<string, Readonly<Partial<Record<keyof Methods, Within>>>>> = {
    '': {
      GET: (_, conversation) => found(conversationResource(conversation)),
      DELETE: (call, conversation) => endConversation(events, call, conversation),
    },
    '/localParticipant': {
      GET: ({ application }, conversation) =>
        found(localParticipantResource(application, conversation)),
    },
    '/participants': { GET: (_, conversation) => found(participantsResource(conversation)) },
    '/participants/{sip}': { GET: participant },
    '/onlineMeeting': {
      GET: (_, conversation) =>
        conversation.meetingUri === undefined
          ? failed(404)
          : found(onlineMeetingResource(conversation)),
    },
    '/messaging': { GET: (_, conversation) => found(messagingResource(conversation)) },
    '/messaging/messages': {
      POST: (call, conversation) => sendMessage(events, call, conversation),
    },
    '/messaging/messages/{messageId}': {
      GET: message,
      // A public client answers a message with a POST to its link.
      POST: (call, conversation) => sendMessage(events, call, conversation),
    },
    '/messaging/typing': {
      POST: (call, conversation) => setIsTyping(events, call, conversation),
    },
    '/messaging/terminate': {
      POST: (call, conversation) => endConversation(events, call, conversation),
    },
  };
  const within = (answer: Within) => (call: Call) => {
    const conversation = pool.conversation(call.application, call.params['id'] ?? '');
    return conversation ? answer(call, conversation) : noConversation;
  };
  return routesBelow(`${conversationsHref}/{id}`, methods, within);
}

function participant({ params }: Call, conversation: Conversation): Outcome {
  const address = (params['sip'] ?? '').toLowerCase();
  const isKnown = conversation.participants.has(address);
  return isKnown ? found(participantResource(conversation, address)) : failed(404);
}

function message({ params }: Call, conversation: Conversation): Outcome {
  const id = params['messageId'] ?? '';
  const known = conversation.messages.get(id);
  return known ? found(messageResource(conversation, id, known)) : failed(404);
}

const invitationRels = [
  ...(['messagingInvitation', 'onlineMeetingInvitation', 'participantInvitation'] as const),
];

function invitationRoutes(events: ConversationEvents): Route[] {
  const methods: Readonly<Record<string, Readonly<Partial<Record<keyof Methods, OfInvitation>>>>> =
    {
      '': { GET: (_, invitation) => found(invitationResource(invitation)) },
      '/accept': { POST: (call, invitation) => accept(events, call, invitation) },
      '/decline': { POST: (call, invitation) => decline(events, call, invitation) },
      '/cancel': { POST: (call, invitation) => decline(events, call, invitation) },
    };
  return invitationRels.flatMap((rel) =>
    routesBelow(`communication/${rel}s/{id}`, methods, (answer: OfInvitation) => (call) => {
      const invitation = call.application.invitations.get(call.params['id'] ?? '');
      return invitation?.rel === rel ? answer(call, invitation) : failed(404);
    }),
  );
}

/** Returns routes from handlers by template and method. `wrap` adds what all handlers need. */
function routesBelow<Answer>(
  root: string,
  table: Readonly<Record<string, Readonly<Partial<Record<keyof Methods, Answer>>>>>,
  wrap: (answer: Answer) => (call: Call) => Outcome,
): Route[] {
  return Object.entries(table).map(([template, methods]) => ({
    template: root + template,
    methods: Object.fromEntries(
      Object.entries(methods).map(([method, answer]) => [method, wrap(answer)]),
    ),
  }));
}
