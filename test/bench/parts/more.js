/** Parts in which one quantity grows. Otherwise ten connections call for one user at a time. */
import { growthPart } from './growth.js';

const atOnce = 10;
const lockStep =
  'Ten connections ask for one user at once, and for the next when all ten are answered.';

/** @param {number} count */
const grouped = (count) => count.toLocaleString('en-US');

/** @param {readonly number[]} counts */
const usersOf = (counts) =>
  counts.map((users) => ({
    label: grouped(users),
    scenario: { connections: 200, users, atOnce, visitAll: true },
  }));

export const users = growthPart({
  name: 'users',
  title: 'More users',
  what: 'users',
  about:
    `200 connections. ${lockStep} Each user has called once before. 50,000 are remembered by ` +
    'default (`limits.maxUsers`), and 100,000 in the last row.',
  variants: {
    usual: [
      ...usersOf([20, 10_000, 100_000]),
      {
        label: '100,000, all remembered',
        scenario: {
          connections: 200,
          users: 100_000,
          atOnce,
          visitAll: true,
          env: { UCWA_PROXY_LIMITS_MAX_USERS: '100000' },
        },
      },
    ],
    quick: usersOf([20, 1000]),
  },
});

/** @param {readonly number[]} counts */
const connectionsOf = (counts) =>
  counts.map((connections) => ({
    label: grouped(connections),
    scenario: { connections, users: connections / atOnce, atOnce },
  }));

export const connections = growthPart({
  name: 'connections',
  title: 'More connections',
  what: 'connections',
  about: `All of them call all the time. ${lockStep}`,
  variants: { usual: connectionsOf([200, 1000, 5000]), quick: connectionsOf([50, 500]) },
});

/** @param {Record<string, number>} sizes */
const answersOf = (sizes) =>
  Object.entries(sizes).map(([label, bodyBytes]) => ({
    label,
    scenario: { connections: 60, users: 6, atOnce, bodyBytes },
  }));

export const answers = growthPart({
  name: 'answers',
  title: 'Larger answers',
  what: 'bytes of an answer',
  about:
    `60 connections of 6 users. ${lockStep} Ten answers of 1 MB are more than one answer of the ` +
    'pool may have (`limits.maxResponseBytes`, 8 MiB), so that route is soon asked for singly.',
  beside: ['http-proxy', 'nginx'],
  // With few hundred large answers a second, Node takes long to compile the code.
  plans: {
    usual: { rounds: 5, roundMs: 700, warmUpRounds: 10 },
    quick: { rounds: 1, roundMs: 300 },
  },
  variants: {
    usual: answersOf({
      '200 B': 200,
      '20 KB': 20_000,
      '200 KB': 200_000,
      '1 MB': 1_000_000,
    }),
    quick: answersOf({ '200 B': 200, '200 KB': 200_000 }),
  },
});

/** @param {readonly number[]} sizes */
const batchesOf = (sizes) =>
  sizes.map((parts) => ({
    label: String(parts),
    scenario: { connections: 200, users: 200 / parts, atOnce: parts },
  }));

export const batches = growthPart({
  name: 'batches',
  title: 'Larger batches',
  what: 'calls at once of a user',
  about: '200 connections; so many of them ask for one user at once.',
  variants: { usual: batchesOf([1, 2, 5, 10, 20]), quick: batchesOf([2, 20]) },
});
