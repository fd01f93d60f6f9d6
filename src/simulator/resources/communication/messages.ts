/** Messages of a conversation, and its end. */
import { type Call, inputOf, operationOf } from '../call.ts';
import type { Conversation, Message, Side } from '../../pool/state.ts';
import { addressOf } from '../../pool/pool.ts';
import { headerValue } from '../../representation/headers.ts';
import { noContent, type Outcome, started } from '../../representation/outcome.ts';
import { messageHref, messageResource } from './conversation-resources.ts';
import type { ConversationEvents } from './conversation-events.ts';

/** Returns the text of a message, which is the whole body or, for some clients, a parameter. */
function textOf(call: Call): string {
  const isText = /^text\//i.test(headerValue(call.headers, 'content-type') ?? '');
  return isText ? call.body.toString() : (inputOf(call, 'message') ?? '');
}

/**
 * Sends a message. The `started` event is published before the answer is sent. A user at the other
 * side receives the message when it is completed.
 */
export function sendMessage(
  events: ConversationEvents,
  call: Call,
  conversation: Conversation,
): Outcome {
  const { application } = call;
  const own: Side = { application, conversation };
  const id = events.pool.newId();
  const from = addressOf(application.user);
  const text = textOf(call);
  const operation = operationOf(call);
  const message: Message = { direction: 'Outgoing', from, text, sentAt: new Date(), operation };
  conversation.messages.set(id, message);
  events.within(own, { type: 'started' }, messageResource(conversation, id, message));
  events.later(() => {
    const sent = messageResource(conversation, id, message);
    events.within(own, { type: 'completed', status: 'Success' }, sent);
    if (conversation.peer) receive(events, conversation.peer, { from, text });
  });
  return started(messageHref(conversation, id));
}

function receive(
  events: ConversationEvents,
  side: Side,
  { from, text }: { readonly from: string; readonly text: string },
): void {
  const { conversation } = side;
  if (conversation.state === 'Disconnected') return;
  const id = events.pool.newId();
  const message: Message = {
    direction: 'Incoming',
    from,
    text,
    sentAt: new Date(),
    operation: {},
  };
  conversation.messages.set(id, message);
  const received = messageResource(conversation, id, message);
  events.within(side, { type: 'completed', status: 'Success' }, received);
}

/** Reports to the other side that the user writes. */
export function setIsTyping(
  events: ConversationEvents,
  { application }: Call,
  { peer }: Conversation,
): Outcome {
  if (peer) events.typing(peer, addressOf(application.user));
  return noContent;
}

/** Ends the conversation at both sides. */
export function endConversation(
  events: ConversationEvents,
  { application }: Call,
  conversation: Conversation,
): Outcome {
  events.ended({ application, conversation });
  const { peer } = conversation;
  if (peer && peer.conversation.state !== 'Disconnected') events.ended(peer);
  return noContent;
}
