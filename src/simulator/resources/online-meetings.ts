/** Scheduled meetings of a user. */
import type { Call, Route } from './call.ts';
import { editableResource, propertiesOf, putEditable } from './editing.ts';
import type { Editable } from '../pool/editable.ts';
import { addressOf, type Pool } from '../pool/pool.ts';
import { failed, found, noContent, type Outcome } from '../representation/outcome.ts';
import type { Resource, Value } from '../representation/resource.ts';

const href = 'onlineMeetings/myOnlineMeetings';

/** Properties that a client can set, with their defaults. */
const defaults: Readonly<Record<string, Value>> = {
  subject: '',
  description: '',
  accessLevel: 'Everyone',
  automaticLeaderAssignment: 'SameEnterprise',
  attendees: [],
  leaders: [],
};

function meetingResource(id: string, meeting: Editable): Resource {
  return editableResource({ rel: 'myOnlineMeeting', href: `${href}/${id}` }, meeting);
}

function schedule(pool: Pool, call: Call): Outcome {
  const { user } = call.application;
  const onlineMeetingUri = pool.newMeetingUri(user);
  const id = onlineMeetingUri.replace(/^.*:/, '');
  const joinUrl = `https://meet.${addressOf(user).replace(/^.*@/, '')}/${user.name}/${id}`;
  const identity = { onlineMeetingId: id, onlineMeetingUri, joinUrl };
  const meeting = pool.newEditable({ ...propertiesOf(call, defaults), ...identity });
  user.meetings.set(id, meeting);
  return { ...found(meetingResource(id, meeting)), status: 201 };
}

function ofMeeting(answer: (call: Call, id: string, meeting: Editable) => Outcome) {
  return (call: Call): Outcome => {
    const id = call.params['id'] ?? '';
    const meeting = call.application.user.meetings.get(id);
    return meeting ? answer(call, id, meeting) : failed(404);
  };
}

/** Returns the routes of the user's meetings. */
export function onlineMeetingRoutes(pool: Pool): Route[] {
  return [
    {
      template: href,
      methods: {
        GET: ({ application: { user } }) =>
          found({
            rel: 'myOnlineMeetings',
            href,
            embedded: {
              myOnlineMeeting: [...user.meetings].map(([id, meeting]) =>
                meetingResource(id, meeting),
              ),
            },
          }),
        POST: (call) => schedule(pool, call),
      },
    },
    {
      template: `${href}/{id}`,
      methods: {
        GET: ofMeeting((_, id, meeting) => found(meetingResource(id, meeting))),
        PUT: ofMeeting((call, id, meeting) =>
          putEditable(pool, call, meeting, (next) => {
            call.application.user.meetings.set(id, next);
            return meetingResource(id, next);
          }),
        ),
        DELETE: ofMeeting((call, id) => {
          call.application.user.meetings.delete(id);
          return noContent;
        }),
      },
    },
    {
      template: 'onlineMeetings/myAssignedOnlineMeeting',
      methods: {
        // A user has no assigned meeting until one is scheduled.
        GET: ({ application: { user } }) => {
          const [first] = user.meetings;
          return first ? found(meetingResource(...first)) : failed(404);
        },
      },
    },
  ];
}
