/** Resources that never change, as a table. */
import type { Route } from './call.ts';
import { found } from '../representation/outcome.ts';
import type { Resource } from '../representation/resource.ts';

const phones: readonly Resource[] = [
  { type: 'home', number: 'tel:+4989550100' },
  { type: 'mobile', number: 'tel:+4917055501' },
  { type: 'work', number: 'tel:+4989550101' },
].map(({ type, number }) => ({
  rel: 'phone',
  href: `me/phones/${type}`,
  properties: { includeInContactCard: true, number, type },
}));

/** Resources by href. */
const fixed: Readonly<Record<string, Omit<Resource, 'href'>>> = {
  ...Object.fromEntries(phones.map((phone) => [phone.href, phone])),
  'me/phones': { rel: 'phones', embedded: { phone: phones } },
  policies: {
    rel: 'policies',
    properties: {
      entityUriReplacements: 'None',
      exchangeUnifiedMessaging: 'Enabled',
      htmlMessaging: 'Disabled',
      logging: 'Disabled',
      loggingLevel: 'Off',
      messageArchiving: 'Disabled',
      messagingUrls: 'Enabled',
      photos: 'Enabled',
      saveMessagingHistory: 'Enabled',
    },
  },
  people: {
    rel: 'people',
    links: {
      presenceSubscriptions: 'people/presenceSubscriptions',
      subscribedContacts: 'people/subscribedContacts',
      presenceSubscriptionMemberships: 'people/presenceSubscriptionMemberships',
      myGroups: 'people/groups',
      myGroupMemberships: 'people/groupMemberships',
      myContacts: 'people/contacts',
      myPrivacyRelationships: 'people/privacyRelationships',
      myContactsAndGroupsSubscription: 'people/contactsAndGroupsSubscription',
      search: 'people/search',
    },
  },
  'people/presenceSubscriptionMemberships': { rel: 'presenceSubscriptionMemberships' },
  'people/privacyRelationships': { rel: 'myPrivacyRelationships' },
  'people/contactsAndGroupsSubscription': {
    rel: 'myContactsAndGroupsSubscription',
    properties: { state: 'Disconnected' },
  },
  'communication/missedItems': {
    rel: 'missedItems',
    properties: {
      conversationLogsCount: 0,
      conversationLogsNotifications: 'Disabled',
      missedConversationsCount: 0,
      unreadMissedConversationsCount: 0,
      unreadVoicemailsCount: 0,
      voiceMailsCount: 0,
    },
  },
  'communication/conversationLogs': { rel: 'conversationLogs', embedded: { conversationLog: [] } },
  onlineMeetings: {
    rel: 'onlineMeetings',
    links: {
      myAssignedOnlineMeeting: 'onlineMeetings/myAssignedOnlineMeeting',
      myOnlineMeetings: 'onlineMeetings/myOnlineMeetings',
      onlineMeetingDefaultValues: 'onlineMeetings/defaultValues',
      onlineMeetingEligibleValues: 'onlineMeetings/eligibleValues',
      onlineMeetingInvitationCustomization: 'onlineMeetings/customInvitation',
      onlineMeetingPolicies: 'onlineMeetings/policies',
      phoneDialInInformation: 'onlineMeetings/phoneDialInInformation',
    },
  },
  'onlineMeetings/defaultValues': {
    rel: 'onlineMeetingDefaultValues',
    properties: {
      accessLevel: 'Everyone',
      automaticLeaderAssignment: 'SameEnterprise',
      entryExitAnnouncement: 'Disabled',
      lobbyBypassForPhoneUsers: 'Disabled',
      participantsWarningThreshold: 100,
      phoneUserAdmission: 'Enabled',
    },
  },
  'onlineMeetings/eligibleValues': {
    rel: 'onlineMeetingEligibleValues',
    properties: {
      accessLevels: ['None', 'SameEnterprise', 'Locked', 'Invited', 'Everyone'],
      automaticLeaderAssignments: ['Disabled', 'SameEnterprise', 'Everyone'],
      entryExitAnnouncements: ['Unsupported', 'Disabled', 'Enabled'],
      lobbyBypassForPhoneUsersSettings: ['Disabled', 'Enabled'],
    },
  },
  'onlineMeetings/customInvitation': {
    rel: 'onlineMeetingInvitationCustomization',
    properties: { invitationHelpUrl: '', invitationLegalUrl: '', invitationLogoUrl: '' },
  },
  'onlineMeetings/policies': {
    rel: 'onlineMeetingPolicies',
    properties: {
      externalUserMeetingRecording: 'Disabled',
      meetingRecording: 'Disabled',
      meetingSize: 250,
    },
  },
  'onlineMeetings/phoneDialInInformation': {
    rel: 'phoneDialInInformation',
    properties: { defaultRegion: '', externalDirectoryUri: '', internalDirectoryUri: '' },
  },
};

/** Returns the resource at this href. */
export function fixedResource(href: string): Resource {
  const resource = fixed[href];
  if (resource === undefined) throw new RangeError(`no fixed resource is at ${href}`);
  return { ...resource, href };
}

export const fixedRoutes: readonly Route[] = Object.keys(fixed).map((template) => ({
  template,
  methods: { GET: () => found(fixedResource(template)) },
}));
