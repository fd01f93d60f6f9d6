import { connect } from 'node:net';
import { bodyFor, pathOf } from '../workload.js';
import { readAnswer } from './read-answer.js';

/**
 * @typedef {object} Round What connections share while they run.
 * @property {() => boolean} wantsMore
 * @property {(latencyMs: number) => void} answered
 */

/** One keep-alive connection of one user: sends, waits, checks what came, and sends again. */
export class Connection {
  #socket;
  #user;
  #index;
  #fields;
  #calls = 0;
  #received = '';
  /** Empty: none. */
  #pendingPath = '';
  #sentAtMs = 0;
  /** @type {Round | undefined} */
  #round;
  /** @type {() => void} */
  #done = () => undefined;
  /** @type {(error: Error) => void} */
  #fail = () => undefined;

  /**
   * @param {import('node:net').Socket} socket
   * @param {string} host as `Host` says it
   * @param {import('../workload.js').User} user
   * @param {number} index no other connection has it
   */
  constructor(socket, host, user, index) {
    this.#socket = socket;
    this.#user = user;
    this.#index = index;
    this.#fields =
      `Host: ${host}\r\nAuthorization: ${user.authorization}\r\nAccept: application/json\r\n` +
      'User-Agent: ucwa-bench\r\nAccept-Language: en-US\r\n\r\n';
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => this.#receive(String(chunk)));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error(`closed before ${this.#pendingPath}`)));
  }

  /**
   * @param {URL} url
   * @param {import('../workload.js').User} user
   * @param {number} index
   * @returns {Promise<Connection>}
   */
  static open(url, user, index) {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new Connection(socket, url.host, user, index));
      });
    });
  }

  /** What it waits for; empty if for nothing. */
  get pendingPath() {
    return this.#pendingPath;
  }

  /**
   * One call after the other, each as soon as the one before was answered, while the round wants
   * more.
   *
   * @param {Round} round
   * @returns {Promise<void>} rejects at the first answer that is not the right one
   */
  run(round) {
    return new Promise((resolve, reject) => {
      this.#round = round;
      this.#done = resolve;
      this.#fail = reject;
      if (this.#socket.destroyed) reject(new Error('closed before it was used'));
      else this.#next();
    });
  }

  close() {
    this.#socket.destroy();
  }

  #next() {
    if (!this.#round?.wantsMore()) {
      this.#done();
      return;
    }
    this.#calls += 1;
    this.#pendingPath = pathOf(this.#user, this.#index, this.#calls);
    this.#sentAtMs = performance.now();
    this.#socket.write(`GET ${this.#pendingPath} HTTP/1.1\r\n${this.#fields}`, 'latin1');
  }

  /** @param {string} chunk */
  #receive(chunk) {
    this.#received += chunk;
    try {
      const answer = readAnswer(this.#received);
      if (answer === undefined) return;
      this.#check(answer);
    } catch (error) {
      this.#fail(/** @type {Error} */ (error));
      return;
    }
    this.#received = '';
    this.#pendingPath = '';
    this.#round?.answered(performance.now() - this.#sentAtMs);
    this.#next();
  }

  /** @param {import('./read-answer.js').Answer} answer */
  #check({ status, body, length }) {
    const path = this.#pendingPath;
    if (path === '') throw new Error(`an answer that nobody asked for: ${this.#received}`);
    if (status !== 200) throw new Error(`${path} was answered ${status}: ${body.slice(0, 300)}`);
    if (body !== bodyFor(path)) throw new Error(`${path} got a wrong body: ${body.slice(0, 300)}`);
    if (this.#received.length > length) throw new Error(`${path} got more than one answer`);
  }
}
