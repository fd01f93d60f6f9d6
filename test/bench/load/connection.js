import { connect } from 'node:net';
import { bodyFor, pathOf } from '../workload.js';
import { readHead } from './read-answer.js';

/**
 * @typedef {object} Listener Gets the outcome of a call.
 * @property {(latencyMs: number) => void} answered
 * @property {(error: Error) => void} failed at the first wrong answer
 */

/** One keep-alive connection: sends a call, waits, and checks the answer. */
export class Connection {
  #socket;
  #index;
  #host;
  #calls = 0;
  #received = '';
  /** @type {import('./read-answer.js').Head | undefined} */
  #head;
  /** Empty: no call is in flight. */
  #pendingPath = '';
  #bodyBytes = 0;
  #sentAtMs = 0;
  /** @type {Listener | undefined} */
  #listener;

  /**
   * @param {import('node:net').Socket} socket
   * @param {string} host value of `Host`
   * @param {number} index unique among the connections
   */
  constructor(socket, host, index) {
    this.#socket = socket;
    this.#index = index;
    this.#host = host;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => this.#receive(String(chunk)));
    socket.on('error', (error) => this.#listener?.failed(error));
    socket.on('close', () =>
      this.#listener?.failed(new Error(`closed before ${this.#pendingPath}`)),
    );
  }

  /**
   * @param {URL} url
   * @param {number} index
   * @returns {Promise<Connection>}
   */
  static open(url, index) {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new Connection(socket, url.host, index));
      });
    });
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
    if (this.#socket.destroyed) {
      listener.failed(new Error('closed before it was used'));
      return;
    }
    this.#calls += 1;
    this.#listener = listener;
    this.#bodyBytes = bodyBytes;
    this.#pendingPath = pathOf(user, this.#index, this.#calls);
    this.#sentAtMs = performance.now();
    this.#socket.write(
      `GET ${this.#pendingPath} HTTP/1.1\r\nHost: ${this.#host}\r\n` +
        `Authorization: ${user.authorization}\r\nAccept: application/json\r\n` +
        'User-Agent: ucwa-bench\r\nAccept-Language: en-US\r\n\r\n',
      'latin1',
    );
  }

  close() {
    this.#listener = undefined;
    this.#socket.destroy();
  }

  /** @param {string} chunk */
  #receive(chunk) {
    this.#received += chunk;
    try {
      this.#head ??= readHead(this.#received);
      if (this.#head === undefined || this.#received.length < this.#head.length) return;
      this.#check(this.#head);
    } catch (error) {
      this.#listener?.failed(/** @type {Error} */ (error));
      return;
    }
    this.#received = '';
    this.#head = undefined;
    this.#pendingPath = '';
    this.#listener?.answered(performance.now() - this.#sentAtMs);
  }

  /** @param {import('./read-answer.js').Head} head */
  #check({ status, bodyFrom, length }) {
    const path = this.#pendingPath;
    if (path === '') throw new Error(`an answer without a call: ${this.#received}`);
    const body = this.#received.slice(bodyFrom, length);
    const shown = body.slice(0, 300);
    if (status !== 200) throw new Error(`${path} was answered ${status}: ${shown}`);
    if (body !== bodyFor(path, this.#bodyBytes))
      throw new Error(`${path} got a wrong body: ${shown}`);
    if (this.#received.length > length) throw new Error(`${path} got more than one answer`);
  }
}
