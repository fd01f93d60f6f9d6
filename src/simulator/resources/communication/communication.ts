/**
 * Conversations and messages.
 *
 * A POST that sends a message or starts a conversation starts an operation. Its answer is 201 with a
 * Location and no body. Events report the progress, with the `operationId` or `operationContext` of the
 * client. The `started` event is published before the answer is sent.
 */
import { type Call, inputOf, operationOf, type Route } from './call.ts';
import { headerValue } from '../representation/headers.ts';
import { failed, found, noContent, type Outcome, started } from '../representation/outcome.ts';
import type { Application, Conversation, Invitation, Pool, SentMessage } from '../pool/pool.ts';
import { type Resource, segment } from '../representation/resource.ts';

/** Runs a function at the end of an operation, after its latency. */
export type Later = (then: () => void) => void;

const conversationsHref = 'communication/conversations';

export function communicationResource({ etag }: Application): Resource {
  return {
    rel: 'communication',
    href: 'communication',
    properties: { supportedModalities: ['Messaging'], supportedMessageFormats: ['Plain'] },
    links: {
      startMessaging: 'communication/messagingInvitations',
      conversations: `${conversationsHref}?filter=active`,
    },
    etag,
  };
}

function conversationResource({ id, subject, createdAt }: Conversation): Resource {
  const href = `${conversationsHref}/${segment(id)}`;
  return {
    rel: 'conversation',
    href,
    properties: {
      state: 'Connected',
      threadId: id,
      subject,
      importance: 'Normal',
      created: createdAt,
    },
    links: { messaging: `${href}/messaging` },
  };
}

function messagingResource({ id }: Conversation): Resource {
  const href = `${conversationsHref}/${segment(id)}/messaging`;
  return {
    rel: 'messaging',
    href,
    properties: { state: 'Connected', negotiatedMessageFormats: ['Plain'] },
    links: {
      conversation: `${conversationsHref}/${segment(id)}`,
      sendMessage: `${href}/messages`,
      setIsTyping: `${href}/typing`,
      stopMessaging: `${href}/terminate`,
    },
  };
}

function messageResource(href: string, { text, sentAt, operation }: SentMessage): Resource {
  return {
    rel: 'message',
    href,
    properties: { direction: 'Outgoing', timeStamp: sentAt, ...operation },
    links: { plainMessage: `data:text/plain;charset=utf8,${encodeURIComponent(text)}` },
  };
}

function invitationHref({ id }: Invitation): string {
  return `communication/messagingInvitations/${id}`;
}

function invitationResource(invitation: Invitation): Resource {
  const { to, state, operation, conversationId } = invitation;
  return {
    rel: 'messagingInvitation',
    href: invitationHref(invitation),
    properties: { direction: 'Outgoing', importance: 'Normal', to, state, ...operation },
    links: { conversation: `${conversationsHref}/${conversationId}` },
  };
}

/** Returns the text of a message, which is the whole body or, for some clients, a parameter. */
function textOf(call: Call): string {
  const isText = /^text\//i.test(headerValue(call.headers, 'content-type') ?? '');
  return isText ? call.body.toString() : (inputOf(call, 'message') ?? '');
}

function sendMessage(pool: Pool, later: Later, call: Call, conversation: Conversation): Outcome {
  const conversationHref = `${conversationsHref}/${segment(conversation.id)}`;
  const id = pool.newId();
  const href = `${conversationHref}/messaging/messages/${id}`;
  const message = { text: textOf(call), sentAt: new Date(), operation: operationOf(call) };
  conversation.messages.set(id, message);
  const news = {
    rel: 'message',
    href,
    sender: { rel: 'conversation', href: conversationHref },
    embedded: messageResource(href, message),
  };
  pool.tell(call.application, { type: 'started', ...news });
  later(() => pool.tell(call.application, { type: 'completed', status: 'Success', ...news }));
  return started(href);
}

function startMessaging(pool: Pool, later: Later, call: Call): Outcome {
  const { application } = call;
  const conversation = pool.startConversation(
    application,
    pool.newId(),
    inputOf(call, 'subject') ?? '',
  );
  const invitation: Invitation = {
    id: pool.newId(),
    conversationId: conversation.id,
    to: inputOf(call, 'to') ?? '',
    operation: operationOf(call),
    state: 'Connecting',
  };
  application.invitations.set(invitation.id, invitation);
  const href = invitationHref(invitation);
  const news = { rel: 'messagingInvitation', href };
  pool.tell(application, { type: 'started', ...news, embedded: invitationResource(invitation) });
  const embedded = conversationResource(conversation);
  pool.tell(application, { type: 'added', rel: 'conversation', href: embedded.href, embedded });
  later(() => {
    invitation.state = 'Connected';
    const outcome = { status: 'Success', embedded: invitationResource(invitation) };
    pool.tell(application, { type: 'completed', ...news, ...outcome });
  });
  return started(href);
}

function endConversation(pool: Pool, { application }: Call, { id }: Conversation): Outcome {
  application.conversations.delete(id);
  application.endedConversations.set(id, true);
  const href = `${conversationsHref}/${segment(id)}`;
  pool.tell(application, { type: 'deleted', rel: 'conversation', href });
  return noContent;
}

/** Returns the routes of `communication` and below. */
export function communicationRoutes(pool: Pool, later: Later): Route[] {
  /** Wraps a handler that needs the conversation with the `{id}` of the path. */
  const within =
    (answer: (call: Call, conversation: Conversation) => Outcome) =>
    (call: Call): Outcome => {
      const conversation = pool.conversation(call.application, call.params['id'] ?? '');
      return conversation ? answer(call, conversation) : failed(404, 'ConversationNotFound');
    };
  const message = within(({ params }, { id, messages }) => {
    const messageId = params['messageId'] ?? '';
    const sent = messages.get(messageId);
    const href = `${conversationsHref}/${segment(id)}/messaging/messages/${segment(messageId)}`;
    return sent ? found(messageResource(href, sent)) : failed(404);
  });
  const conversationTemplate = `${conversationsHref}/{id}`;
  return [
    {
      template: 'communication',
      methods: { GET: ({ application }) => found(communicationResource(application)) },
    },
    {
      template: conversationsHref,
      methods: {
        GET: ({ application, rawQuery }) =>
          found({
            rel: 'conversations',
            href: conversationsHref + (rawQuery === '' ? '' : `?${rawQuery}`),
            embedded: {
              conversation: [...application.conversations.values()].map(conversationResource),
            },
          }),
      },
    },
    {
      template: conversationTemplate,
      methods: {
        GET: within((_, conversation) => found(conversationResource(conversation))),
        DELETE: within((call, conversation) => endConversation(pool, call, conversation)),
      },
    },
    {
      template: `${conversationTemplate}/messaging`,
      methods: { GET: within((_, conversation) => found(messagingResource(conversation))) },
    },
    {
      template: `${conversationTemplate}/messaging/messages`,
      methods: {
        POST: within((call, conversation) => sendMessage(pool, later, call, conversation)),
      },
    },
    {
      template: `${conversationTemplate}/messaging/messages/{messageId}`,
      methods: { GET: message },
    },
    {
      template: `${conversationTemplate}/messaging/typing`,
      methods: { POST: within(() => noContent) },
    },
    {
      template: `${conversationTemplate}/messaging/terminate`,
      methods: { POST: within((call, conversation) => endConversation(pool, call, conversation)) },
    },
    {
      template: 'communication/messagingInvitations',
      methods: { POST: (call) => startMessaging(pool, later, call) },
    },
    {
      template: 'communication/messagingInvitations/{id}',
      methods: {
        GET: ({ application, params }) => {
          const invitation = application.invitations.get(params['id'] ?? '');
          return invitation ? found(invitationResource(invitation)) : failed(404);
        },
      },
    },
  ];
}
