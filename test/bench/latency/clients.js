import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** What the devices of a user write to; the writes to one resource would have to wait for each other. */
const written = [
  'me/presence',
  'me/note',
  'me/location',
  'me/reportMyActivity',
  'reportMyActivity',
];

/**
 * One device of one user, with connections of its own. Every answer is checked.
 */
export class Device {
  #agent = new Agent({ keepAlive: true, maxSockets: 8 });
  #base;
  #user;
  #index;
  #calls = 0;

  /**
   * @param {string} base
   * @param {string} user a word; each has a credential and an application of its own
   * @param {number} [index] counts the devices of the user
   */
  constructor(base, user, index = 0) {
    this.#base = new URL(base);
    this.#user = user;
    this.#index = index;
  }

  /**
   * @param {'GET' | 'POST'} [method]
   * @param {boolean} [explain] whether the proxy is to say what it did, which costs time of its own
   * @returns {Promise<{ ms: number, explained: string }>} from sending to the last byte
   */
  ask(method = 'GET', explain = true) {
    this.#calls += 1;
    const number =
      [...this.#user].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 1e9;
    const resource = method === 'GET' ? 'me/note' : written[this.#index % written.length];
    const path = `/ucwa/oauth/v1/applications/${number}/${resource}`;
    const body = method === 'GET' ? '' : '{"availability":"Online"}';
    const sentAtMs = performance.now();
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: this.#base.hostname,
          port: this.#base.port,
          // No two ask for the same, or they would share a part.
          path: method === 'GET' ? `${path}?n=${this.#index}.${this.#calls}` : path,
          method,
          agent: this.#agent,
          headers: {
            Authorization: `Bearer cwt=sim-${this.#user}`,
            ...(explain ? { 'X-Ucwa-Batch': 'explain' } : {}),
            ...(body === ''
              ? {}
              : { 'Content-Type': 'application/json', 'Content-Length': body.length }),
          },
        },
        (response) => {
          let text = '';
          response.on('data', (chunk) => (text += String(chunk)));
          response.on('error', reject);
          response.on('end', () => {
            const ms = performance.now() - sentAtMs;
            const { statusCode, headers } = response;
            const isRight = method === 'POST' ? statusCode === 204 : text.includes(`"${path}"`);
            if (isRight) resolve({ ms, explained: String(headers['x-ucwa-batch'] ?? '') });
            else
              reject(
                new Error(`${method} ${path} was answered ${statusCode}: ${text.slice(0, 200)}`),
              );
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  close() {
    this.#agent.destroy();
  }
}

/** Eight GETs of a device within 4 ms, as an application starts.
 *
 * @param {Device} device
 */
export async function startUp(device) {
  const calls = Array.from({ length: 8 }, async (_, i) => {
    await delay(i / 2);
    return device.ask();
  });
  return Promise.all(calls);
}

/** Waits for each answer, thinks, and asks again.
 *
 * @param {Device} device
 * @param {{ calls: number, thinkMs: number, writes: boolean, explainEvery?: number }} shape three
 *   quarters are GETs, with writes; every so many calls ask for an explanation, all if not said
 */
export async function oneByOne(device, { calls, thinkMs, writes, explainEvery = 1 }) {
  const answers = [];
  for (let i = 0; i < calls; i += 1) {
    const method = writes && Math.random() < 0.25 ? 'POST' : 'GET';
    answers.push(await device.ask(method, i % explainEvery === 0));
    if (thinkMs > 0) await delay(thinkMs);
  }
  return answers;
}

/** What has just started is slow: other users come and go until it is not, alone and in bursts.
 *
 * @param {string} url
 * @param {number} calls
 */
export async function warmUp(url, calls) {
  const guests = Array.from({ length: 200 }, (_, i) => new Device(url, `guest${i}`));
  const shape = { calls: Math.ceil(calls / guests.length), thinkMs: 0, writes: false };
  await Promise.all(guests.map((guest) => oneByOne(guest, shape)));
  for (let bursts = 0; bursts < calls / 1000; bursts += 1) {
    await Promise.all(guests.slice(0, 50).map((guest) => startUp(guest)));
  }
  for (const guest of guests) guest.close();
}
