/**
 * Phones: one with six connections of HTTP/1.1, the other with one of HTTP/2. They check every
 * answer.
 */
import { Agent, request } from 'node:http';
import { connect } from 'node:http2';
import { bodyFor, pathOf } from '../workload.js';

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {string} body
 * @property {string} explained the explanation of the proxy, or empty
 */

/**
 * @typedef {object} Phone
 * @property {number} warmCalls number of calls that opens all of its connections
 * @property {(path: string, fields: Record<string, string>) => Promise<Answer>} ask
 * @property {() => void} close
 */

/**
 * @param {string} url
 * @param {number} connections
 * @returns {Phone}
 */
export function http1Phone(url, connections) {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return {
    warmCalls: connections,
    close: () => agent.destroy(),
    ask: (path, headers) =>
      new Promise((resolve, reject) => {
        const sent = request({ agent, hostname, port, path, headers }, (answer) => {
          let body = '';
          answer.setEncoding('latin1');
          answer.on('data', (chunk) => (body += chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            const explained = String(answer.headers['x-ucwa-batch'] ?? '');
            resolve({ status: answer.statusCode ?? 0, body, explained });
          });
        });
        sent.on('error', reject);
        sent.end();
      }),
  };
}

/**
 * @param {string} url
 * @param {Buffer} [ca]
 * @returns {Phone}
 */
export function http2Phone(url, ca) {
  const session = connect(url, ca && { ca });
  /** @type {Promise<never>} */
  const broken = new Promise((_, reject) => session.once('error', reject));
  broken.catch(() => undefined);
  /** @type {Phone['ask']} */
  const ask = (path, headers) =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':path': path, ...headers });
      let status = 0;
      let explained = '';
      let body = '';
      stream.setEncoding('latin1');
      stream.on('response', (head) => {
        status = Number(head[':status']);
        explained = String(head['x-ucwa-batch'] ?? '');
      });
      stream.on('data', (chunk) => (body += chunk));
      stream.on('error', reject);
      stream.on('end', () => resolve({ status, body, explained }));
    });
  return {
    warmCalls: 1,
    close: () => session.destroy(),
    ask: (...given) => Promise.race([ask(...given), broken]),
  };
}

/**
 * Sends all calls at once.
 *
 * @param {Phone} phone
 * @param {import('../workload.js').User} user
 * @param {number} count
 * @param {number} from number of the first call
 * @returns {Promise<{ ms: number, holdsMs: number[] }>} time until the last answer, and the holds
 *   that the proxy reported
 */
export async function callsAtOnce(phone, user, count, from) {
  const startedAtMs = performance.now();
  const answers = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const path = pathOf(user, 0, from + index);
      const answer = await phone.ask(path, {
        authorization: user.authorization,
        accept: 'application/json',
        'x-ucwa-batch': 'explain',
      });
      if (answer.status !== 200) throw new Error(`${path} was answered ${answer.status}`);
      if (answer.body !== bodyFor(path))
        throw new Error(`${path} got a wrong body: ${answer.body}`);
      return answer;
    }),
  );
  const ms = performance.now() - startedAtMs;
  const holdsMs = answers
    .map(({ explained }) => /hold=([\d.]+)/.exec(explained)?.[1])
    .filter((hold) => hold !== undefined)
    .map(Number);
  return { ms, holdsMs };
}
