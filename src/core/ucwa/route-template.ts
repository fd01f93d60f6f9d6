/**
 * The name of a call's route for logs and, later, lanes: its path with every part that can name a
 * person or a thing replaced. What is not known to be a resource name is taken for an identifier.
 */

/** Path segments of UCWA's resources, lower case: the words of the links that the pool hands out. */
const words = new Set(
  (
    'ucwa oauth v1 applications anonapplications autodiscover autodiscoverservice.svc root user ' +
    'webticket oauthtoken passiveauth xframe xframe.html ' +
    'batch events photos photo contactphoto policies me note presence location phones phone ' +
    'reportmyactivity makemeavailable callforwardingsettings simultaneousringsettings ' +
    'unansweredcallsettings turnoffcallforwarding changenumber changevisibility people contacts ' +
    'groups search presencesubscriptions presencesubscriptionmemberships subscribedcontacts ' +
    'supportedmedia privacyrelationship mycontactsandgroupssubscription group mygroupmemberships ' +
    'communication conversations conversationlogs conversationlog messaginginvitations ' +
    'onlinemeetinginvitations participantinvitations phoneaudioinvitations audiovideoinvitations ' +
    'invitations messaging messages typing terminate participants localparticipant ' +
    'typingparticipants audiovideo phoneaudio applicationsharing datacollaboration accept decline ' +
    'cancel onlinemeetings myonlinemeetings myassignedonlinemeetings onlinemeetingpolicies ' +
    'onlinemeetingdefaultvalues onlinemeetinginvitationcustomization phonedialininformation ' +
    'onlinemeetingeligiblevalues attendees leaders lobby misseditems simulator'
  ).split(/\s+/),
);

const maxSegments = 12;

/** `/ucwa/oauth/v1/applications/1045/people/ann@example.com/note` -> `…/applications/{}/people/{}/note`. */
export function routeTemplate(target: string): string {
  const end = target.indexOf('?');
  const path = end === -1 ? target : target.slice(0, end);
  let template = '';
  let from = 0;
  for (let count = 1; ; count += 1) {
    const slash = path.indexOf('/', from);
    const lower = path.slice(from, slash === -1 ? undefined : slash).toLowerCase();
    template += lower === '' || words.has(lower) ? lower : '{}';
    if (slash === -1) return template;
    if (count === maxSegments) return `${template}/…`;
    template += '/';
    from = slash + 1;
  }
}
