/**
 * Invitations to conversations, meetings, and of further participants.
 *
 * A POST starts an operation. If the invited user is signed in and available, this user accepts or
 * declines the invitation. Other contacts accept after the latency of an operation.
 */
import { type Call, inputOf, linkInputOf, operationOf } from '../call.ts';
import type { Conversation, Invitation, Application } from '../../pool/state.ts';
import { addressOf, type Pool, sipAddress } from '../../pool/pool.ts';
import { failed, noContent, type Outcome, started } from '../../representation/outcome.ts';
import { invitationHref } from './conversation-resources.ts';
import type { ConversationEvents } from './conversation-events.ts';

/** Makes an invitation of the application. */
function invite(
  pool: Pool,
  application: Application,
  given: Pick<Invitation, 'rel' | 'conversation' | 'direction' | 'from' | 'to'> &
    Partial<Invitation>,
): Invitation {
  const invitation: Invitation = {
    ...{ id: pool.newId(), text: undefined, operation: {}, state: 'Connecting', peer: undefined },
    ...given,
  };
  application.invitations.set(invitation.id, invitation);
  return invitation;
}

/** Returns the text of the first message, which is a `data:` link of the invitation. */
function firstMessage(call: Call): string | undefined {
  const [, text] = /^data:[^,]*,(.*)$/s.exec(linkInputOf(call, 'message') ?? '') ?? [];
  return text === undefined ? undefined : decodeURIComponent(text.replaceAll('+', ' '));
}

export function startMessaging(events: ConversationEvents, call: Call): Outcome {
  const { pool } = events;
  const { application } = call;
  const from = addressOf(application.user);
  const to = inputOf(call, 'to') ?? '';
  const address = sipAddress(to);
  const subject = inputOf(call, 'subject') ?? '';
  const text = firstMessage(call);
  const conversation = pool.startConversation(application, {
    subject,
    participants: new Set(address === undefined ? [] : [address]),
  });
  const invitation = invite(pool, application, {
    ...{ rel: 'messagingInvitation', direction: 'Outgoing', operation: operationOf(call) },
    ...{ conversation, from, to, text },
  });
  events.invited(application, invitation);
  const receiver = pool.availableApplication(address ?? '');
  if (receiver === undefined || receiver === application) {
    events.later(() => events.connected(application, invitation));
    return started(invitationHref(invitation));
  }
  const theirs = pool.startConversation(receiver, { subject, participants: new Set([from]) });
  conversation.peer = { application: receiver, conversation: theirs };
  theirs.peer = { application, conversation };
  const received = invite(pool, receiver, {
    ...{ rel: 'messagingInvitation', direction: 'Incoming', conversation: theirs, from, to, text },
    peer: { application, invitation },
  });
  invitation.peer = { application: receiver, invitation: received };
  events.later(() => events.invited(receiver, received));
  return started(invitationHref(invitation));
}

/** Starts a meeting, or joins one. */
export function joinMeeting(events: ConversationEvents, call: Call): Outcome {
  const { pool } = events;
  const { application } = call;
  const from = addressOf(application.user);
  const given = inputOf(call, 'onlineMeetingUri') ?? 'adhoc';
  const meetingUri = given === 'adhoc' ? pool.newMeetingUri(application.user) : given;
  const organizer = sipAddress(meetingUri.replace(/;.*$/, ''));
  const subject = inputOf(call, 'subject') ?? '';
  const participants = new Set(organizer === undefined || organizer === from ? [] : [organizer]);
  const conversation = pool.startConversation(application, { subject, participants, meetingUri });
  const invitation = invite(pool, application, {
    ...{ rel: 'onlineMeetingInvitation', direction: 'Outgoing', operation: operationOf(call) },
    ...{ conversation, from, to: meetingUri },
  });
  events.invited(application, invitation);
  events.later(() => events.connected(application, invitation));
  return started(invitationHref(invitation));
}

/** Invites a further participant to a conversation. */
export function addParticipant(
  events: ConversationEvents,
  call: Call,
  conversation: Conversation,
): Outcome {
  const { application } = call;
  const to = inputOf(call, 'to') ?? '';
  const address = sipAddress(to);
  if (address === undefined) return failed(400, 'ParameterValidationFailure');
  const invitation = invite(events.pool, application, {
    ...{ rel: 'participantInvitation', direction: 'Outgoing', operation: operationOf(call) },
    ...{ conversation, from: addressOf(application.user), to },
  });
  events.invitation(application, invitation, { type: 'started' });
  events.later(() => {
    conversation.participants.add(address);
    invitation.state = 'Connected';
    events.joined({ application, conversation }, address);
    events.invitation(application, invitation, { type: 'completed', status: 'Success' });
  });
  return started(invitationHref(invitation));
}

/** Accepts an incoming invitation. */
export function accept(events: ConversationEvents, call: Call, invitation: Invitation): Outcome {
  const { peer } = invitation;
  if (invitation.state !== 'Connecting' || peer === undefined) return failed(409, 'AlreadyExists');
  events.later(() => {
    events.connected(call.application, invitation);
    events.connected(peer.application, peer.invitation);
  });
  return noContent;
}

/** Declines an incoming invitation, or cancels one that was sent. */
export function decline(events: ConversationEvents, call: Call, invitation: Invitation): Outcome {
  if (invitation.state !== 'Connecting') return failed(409, 'AlreadyExists');
  const sides = [{ application: call.application, invitation }];
  if (invitation.peer) sides.push(invitation.peer);
  events.later(() => {
    for (const { application, invitation: each } of sides) {
      each.state = 'Declined';
      const reason = { code: 'RemoteFailure', subcode: 'Declined' };
      events.invitation(application, each, { type: 'completed', status: 'Failure', reason });
      events.ended({ application, conversation: each.conversation });
    }
  });
  return noContent;
}
