/** Publishes what happens in conversations on the event channels of their applications. */
import type { ChannelEvent } from '../../representation/event-set.ts';
import type { Invitation, Side, Application } from '../../pool/state.ts';
import type { Pool } from '../../pool/pool.ts';
import type { Resource } from '../../representation/resource.ts';
import {
  conversationHref,
  conversationResource,
  invitationHref,
  invitationResource,
  localParticipantResource,
  messagingResource,
  participantHref,
  participantResource,
} from './conversation-resources.ts';

/** Runs a function at the end of an operation, after its latency. */
export type Later = (then: () => void) => void;

type News = Pick<ChannelEvent, 'type'> & Partial<ChannelEvent>;

export class ConversationEvents {
  readonly pool: Pool;
  readonly later: Later;

  constructor(pool: Pool, later: Later) {
    this.pool = pool;
    this.later = later;
  }

  /** Publishes an event with the conversation as its sender. */
  within({ application, conversation }: Side, news: News, embedded: Resource): void {
    const sender = { rel: 'conversation', href: conversationHref(conversation) };
    const { rel, href } = embedded;
    this.pool.tell(application, { rel, href, sender, embedded, ...news });
  }

  /** Reports that an invitation and its conversation begin. */
  invited(application: Application, invitation: Invitation): void {
    const { conversation } = invitation;
    this.invitation(application, invitation, { type: 'started' });
    const embedded = conversationResource(conversation);
    const { rel, href } = embedded;
    this.pool.tell(application, { type: 'added', rel, href, embedded });
    this.within(
      { application, conversation },
      { type: 'updated' },
      messagingResource(conversation),
    );
  }

  /** Reports that the other side has accepted, with all participants. */
  connected(application: Application, invitation: Invitation): void {
    const { conversation } = invitation;
    const side = { application, conversation };
    invitation.state = 'Connected';
    conversation.state = 'Connected';
    this.within(side, { type: 'updated' }, messagingResource(conversation));
    this.within(side, { type: 'added' }, localParticipantResource(application, conversation));
    for (const address of conversation.participants) this.joined(side, address);
    const embedded = conversationResource(conversation);
    const { rel, href } = embedded;
    this.pool.tell(application, { type: 'updated', rel, href, embedded });
    this.invitation(application, invitation, { type: 'completed', status: 'Success' });
  }

  /** Reports a new participant. */
  joined(side: Side, address: string): void {
    const participant = participantResource(side.conversation, address);
    this.within(side, { type: 'added' }, participant);
  }

  /** Reports a participant who writes. */
  typing(side: Side, address: string): void {
    const { conversation } = side;
    const href = `${conversationHref(conversation)}/typingParticipants`;
    const participant = participantResource(conversation, address);
    this.within(
      side,
      { type: 'added', in: { rel: 'typingParticipants', href } },
      { ...participant, href: participantHref(conversation, address) },
    );
  }

  /** Ends a conversation of an application, and reports its end. */
  ended({ application, conversation }: Side): void {
    conversation.state = 'Disconnected';
    application.conversations.delete(conversation.id);
    application.endedConversations.set(conversation.id, true);
    const reason = { code: 'Informational', subcode: 'Ended' };
    const side = { application, conversation };
    this.within(side, { type: 'updated', reason }, messagingResource(conversation));
    const href = conversationHref(conversation);
    this.pool.tell(application, { type: 'deleted', rel: 'conversation', href });
  }

  invitation(application: Application, invitation: Invitation, news: News): void {
    const embedded = invitationResource(invitation);
    const { rel } = invitation;
    this.pool.tell(application, { rel, href: invitationHref(invitation), embedded, ...news });
  }
}
