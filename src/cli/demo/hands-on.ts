/** Commands that a reader can try on the demo. */

/** Paths that the commands read at once. */
const paths = ['me', 'me/note', 'me/presence', 'me/phones', 'policies'];

/** Returns commands for any shell and, in the second part, for a curl that is older than 7.68. */
export function handsOn(proxyUrl: string): string {
  const application = `${proxyUrl}/ucwa/oauth/v1/applications/1000`;
  const fields = "-H 'Authorization: Bearer cwt=sim-user0' -H 'X-Ucwa-Batch: explain'";
  const shown = "grep -i '^x-ucwa-batch'";
  return `Try it. The line X-Ucwa-Batch of an answer says what the proxy did with the call:

  curl -i ${fields} ${application}/me

Five calls at once become one request to the pool: "parts=5", with the same id in each answer.

  curl -s -i --parallel --parallel-immediate --no-progress-meter ${fields} '${application}/{${paths.join(',')}}' | ${shown}

The same with a curl before 7.68:

  for path in ${paths.join(' ')}; do curl -s -i ${fields} ${application}/$path & done | ${shown}

The token cwt=sim-user1 goes with the application 1001, and so on.
`;
}
