/** The scenes of the demo: which clients start at once, and under which limit of the pool. */
export interface Scene {
  readonly title: string;
  readonly users: number;
  readonly devicesPerUser: number;
  /** Paths below its application that each device reads at once. */
  readonly paths: readonly string[];
  /** The path that takes the pool much longer than the others. */
  readonly slowPath?: string;
  /** Number of outstanding calls that the pool allows one user. */
  readonly limit: number;
  /** Number of the first user; no two scenes share a user. */
  readonly firstUser: number;
}

/** Paths that a client reads when it starts. */
const startUp = [
  'me',
  'me/note',
  'me/presence',
  'me/phones',
  'policies',
  'people/contacts',
  'people/groups',
  'communication',
];
const slowPath = 'people/search?query=a';

/** The limit of the pool outside the scene with a low limit. */
export const usualLimit = 100;
const lowLimit = 9;

/** The scene with the low limit is the last one, because the proxy learns limits. */
export const scenes: readonly Scene[] = [
  {
    title: 'An app starts: 8 users with 2 devices each send their first calls at once.',
    users: 8,
    devicesPerUser: 2,
    paths: startUp,
    limit: usualLimit,
    firstUser: 0,
  },
  {
    title: 'One slow route: the same devices search for a contact, too.',
    users: 8,
    devicesPerUser: 2,
    paths: [slowPath, ...startUp],
    slowPath,
    limit: usualLimit,
    firstUser: 100,
  },
  {
    title: `A crowd under a limit: 4 users with 4 devices each; the pool allows a user ${lowLimit} calls at once.`,
    users: 4,
    devicesPerUser: 4,
    paths: startUp,
    limit: lowLimit,
    firstUser: 200,
  },
];
