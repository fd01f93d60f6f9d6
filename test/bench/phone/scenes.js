/** The scenes of an app on a phone, each with what its radio and the pool had to do. */
import { setTimeout as delay } from 'node:timers/promises';
import { App, changesOf } from './app.js';

/** Events of the storm: two of each kind for every contact, so that each resource changes twice. */
export const storm = { contacts: 50, events: 200 };

/** The quiet hour: a contact changes presence and note every few minutes, in seconds. */
const hour = { firstChangeAt: 220, changeEvery: 300 };

/**
 * @typedef {import('./radio.js').Traffic & { ms: number, requests: number, poolRequests: number }} Measured
 */

/**
 * @typedef {object} Line One way from a phone to a pool, over one distance.
 * @property {() => import('./phone.js').Phone} switchOn
 * @property {import('../children/child.js').Child} network
 * @property {number} line index in the network
 * @property {import('../children/child.js').Child} pools
 * @property {number} pool index of the pool
 */

/**
 * Starts the app on a phone that is switched on, and then lets many contacts change.
 *
 * @param {Line} line
 * @param {string} user
 * @returns {Promise<{ start: Measured, storm: Measured }>}
 */
export async function startAndStorm(line, user) {
  const app = new App(line.switchOn(), user);
  try {
    const start = await measured(line, app, () => app.start());
    return await following(line, app, async () => {
      const changes = [...changesOf(storm.contacts), ...changesOf(storm.contacts)];
      return { start, storm: await measured(line, app, () => raised(line, app, changes)) };
    });
  } finally {
    app.close();
    await line.pools.ask('quiet', line.pool);
  }
}

/**
 * Lets an app be, for some minutes after its start.
 *
 * @param {Line} line
 * @param {string} user
 * @param {object} time
 * @param {number} time.minutes
 * @param {number} time.factor seconds of the app's time in one second
 * @param {number} time.asleepMs time after the start until the radio sleeps
 * @returns {Promise<Measured>}
 */
export async function quietHour(line, user, { minutes, factor, asleepMs }) {
  const app = new App(line.switchOn(), user);
  try {
    await app.start();
    return await following(line, app, async () => {
      await delay(asleepMs);
      return measured(line, app, async () => {
        const startedAtMs = performance.now();
        /** @param {number} second */
        const until = (second) =>
          delay(Math.max(0, (second * 1000) / factor + startedAtMs - performance.now()));
        let contact = 0;
        for (let second = hour.firstChangeAt; second < minutes * 60; second += hour.changeEvery) {
          await until(second);
          await raised(line, app, changesOf(1, contact));
          contact += 1;
        }
        await until(minutes * 60);
      });
    });
  } finally {
    app.close();
    await line.pools.ask('quiet', line.pool);
  }
}

/**
 * @template T
 * @param {Line} line
 * @param {App} app
 * @param {() => Promise<T>} work while the app follows its events
 * @returns {Promise<T>} rejects if the app fails meanwhile
 */
async function following({ pools, pool }, app, work) {
  const failed = new Promise((_, reject) => {
    app.follow().catch(reject);
  });
  // The first poll is answered at once, because the start of the app has changed something.
  return Promise.race([
    failed,
    app.hasRead(1).then(async () => {
      await pools.ask('polling', pool);
      return work();
    }),
  ]);
}

/**
 * @param {Line} line
 * @param {App} app
 * @param {import('./app.js').Change[]} changes
 * @returns {Promise<void>} resolves when the app has read what changed
 */
async function raised({ pools, pool }, app, changes) {
  const next = app.readSets + 1;
  await pools.ask('raise', { pool, user: app.user, changes });
  await app.hasRead(next);
}

/**
 * @param {Line} line
 * @param {App} app
 * @param {() => Promise<void>} scene
 * @returns {Promise<Measured>}
 */
async function measured({ network, line, pools, pool }, app, scene) {
  const poolBefore = await pools.ask('requests', pool);
  const before = app.requests;
  await network.ask('begin', line);
  const startedAtMs = performance.now();
  await scene();
  const ms = performance.now() - startedAtMs;
  const traffic = await network.ask('traffic', line);
  const poolRequests = (await pools.ask('requests', pool)) - poolBefore;
  return { ...traffic, ms, requests: app.requests - before, poolRequests };
}
