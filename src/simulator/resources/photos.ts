/** Photos: the same small picture for every contact. */
import type { Route } from './call.ts';

const picture = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const lifetimeMs = 24 * 60 * 60 * 1000;

export const photoRoutes: readonly Route[] = [
  {
    template: 'photos/{sip}',
    methods: {
      GET: () => ({
        status: 200,
        content: { kind: 'bytes', contentType: 'image/png', bytes: picture },
        headers: [
          ...['Cache-Control', 'private'],
          ...['Expires', new Date(Date.now() + lifetimeMs).toUTCString()],
        ],
      }),
    },
  },
];
