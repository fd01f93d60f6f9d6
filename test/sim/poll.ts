/** Long polls of the event channel. */
import type { PlannedCall } from '../failures/chaos/calls.ts';
import { userName } from '../failures/chaos/checker.ts';

/** Returns a poll of that user. Its answer names the application of the user. */
export function planPoll(user: number): PlannedCall {
  const path = `/ucwa/oauth/v1/applications/${1000 + user}/events`;
  return {
    kind: 'anonymous',
    request: () => ({
      bytes:
        `GET ${path}?ack=1 HTTP/1.1\r\nHost: proxy.example\r\n` +
        `Authorization: Bearer cwt=sim-${userName(user)}\r\nAccept: application/json\r\n\r\n`,
      expected: { nonce: undefined, statuses: [200], inBody: `${path}?` },
    }),
  };
}
