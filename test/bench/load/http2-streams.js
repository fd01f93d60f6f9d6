import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { bodyFor, pathOf } from '../workload.js';

/** @typedef {import('./connection.js').Listener} Listener */

/**
 * Opens connections of HTTP/2.
 *
 * @param {{ url: string, ca?: string }} server `ca`: file with its certificate
 * @param {number} count number of connections
 * @param {number} streams calls that one connection has at a time
 * @returns {Promise<Http2Stream[]>} those of one connection follow each other
 */
export async function openHttp2({ url, ca }, count, streams) {
  const options = ca === undefined ? {} : { ca: readFileSync(ca) };
  const sessions = Array.from({ length: count }, () => connect(url, options));
  await Promise.all(
    sessions.map(
      (session) =>
        new Promise((resolve, reject) => {
          session.once('error', reject);
          session.once('connect', resolve);
        }),
    ),
  );
  return sessions.flatMap((session, connection) =>
    Array.from(
      { length: streams },
      (_, stream) => new Http2Stream(session, connection * streams + stream),
    ),
  );
}

/** One call at a time on a connection of HTTP/2: sends it, waits, and checks the answer. */
class Http2Stream {
  #session;
  #index;
  #calls = 0;
  /** Empty: no call is in flight. */
  #pendingPath = '';
  /** @type {Listener | undefined} */
  #listener;

  /**
   * @param {import('node:http2').ClientHttp2Session} session
   * @param {number} index unique among the streams
   */
  constructor(session, index) {
    this.#session = session;
    this.#index = index;
    session.on('error', (error) => this.#listener?.failed(error));
    session.on('close', () =>
      this.#listener?.failed(new Error(`closed before ${this.#pendingPath}`)),
    );
    session.setMaxListeners(0);
  }

  /** Path of the call in flight, or empty. */
  get pendingPath() {
    return this.#pendingPath;
  }

  /**
   * @param {import('../workload.js').User} user
   * @param {number} bodyBytes length of the answer's body
   * @param {Listener} listener is told the outcome once
   */
  ask(user, bodyBytes, listener) {
    if (this.#session.destroyed) {
      listener.failed(new Error('closed before it was used'));
      return;
    }
    this.#calls += 1;
    this.#listener = listener;
    const path = pathOf(user, this.#index, this.#calls);
    this.#pendingPath = path;
    const sentAtMs = performance.now();
    const stream = this.#session.request({
      ':path': path,
      authorization: user.authorization,
      accept: 'application/json',
      'user-agent': 'ucwa-bench',
      'accept-language': 'en-US',
    });
    let status = 0;
    let body = '';
    stream.setEncoding('latin1');
    stream.on('response', (head) => (status = Number(head[':status'])));
    stream.on('data', (chunk) => (body += chunk));
    stream.on('error', (error) => this.#listener?.failed(error));
    stream.on('end', () => {
      const shown = body.slice(0, 300);
      if (status !== 200) {
        this.#listener?.failed(new Error(`${path} was answered ${status}: ${shown}`));
      } else if (body !== bodyFor(path, bodyBytes)) {
        this.#listener?.failed(new Error(`${path} got a wrong body: ${shown}`));
      } else {
        this.#pendingPath = '';
        this.#listener?.answered(performance.now() - sentAtMs);
      }
    });
  }

  close() {
    this.#listener = undefined;
    this.#session.destroy();
  }
}
