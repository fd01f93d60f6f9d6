import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Each device of a user writes to a different resource, because writes to one resource wait for
 * each other.
 */
const written = [
  'me/presence',
  'me/note',
  'me/location',
  'me/reportMyActivity',
  'reportMyActivity',
];

/** One device of one user, with connections of its own. The device checks every answer. */
export class Device {
  #agent = new Agent({ keepAlive: true, maxSockets: 8 });
  #base;
  #user;
  #index;
  #calls = 0;

  /**
   * @param {string} base
   * @param {string} user a word; each user has its own credential and application
   * @param {number} [index] number of the device
   */
  constructor(base, user, index = 0) {
    this.#base = new URL(base);
    this.#user = user;
    this.#index = index;
  }

  /**
   * @param {'GET' | 'POST'} [method]
   * @param {boolean} [explain] whether the proxy explains what it did, which takes some time
   * @returns {Promise<{ ms: number, explained: string }>} `ms` from sending to the last byte
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
          // Calls have different paths, so that they do not share a part.
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

/**
 * Sends eight GETs of a device within 4 ms, as an application does when it starts.
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

/**
 * Waits for each answer, pauses, and asks again.
 *
 * @param {Device} device
 * @param {{ calls: number, thinkMs: number, writes: boolean, explainEvery?: number }} shape with
 *   `writes`, three quarters are GETs; every `explainEvery`th call asks for an explanation
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

/**
 * Calls until the new process is fast: other users call in turn, unbatched and in bursts.
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
