/**
 * The route of a call, for logs, recordings and slow routes. A route is a path in which `{}` replaces each
 * segment that may identify a person or a thing. Only known names of UCWA resources stay.
 */

/** Path segments in the links of UCWA's resources, in lower case. */
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

/**
 * Returns the route of a target: `/ucwa/v1/applications/1045/people/ann@example.com/note?x` ->
 * `/ucwa/v1/applications/{}/people/{}/note`. After 11 segments, `…` replaces the rest of the path.
 */
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
