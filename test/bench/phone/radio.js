/** What a phone's radio does on one connection to the network: bytes, connections, wake-ups. */

/** Time without a byte after which the radio sleeps, in ms. */
export const sleepsAfterMs = 5_000;

/** Counts bursts of activity. Two bursts are more than `gapMs` apart. */
export class Bursts {
  #gapMs;
  #lastAtMs = -Infinity;
  /** @type {number[]} */
  #beganAtMs = [];

  /** @param {number} gapMs */
  constructor(gapMs) {
    this.#gapMs = gapMs;
  }

  /** @returns {readonly number[]} when each burst began */
  get beganAtMs() {
    return this.#beganAtMs;
  }

  /** @param {number} atMs not before the last activity */
  activeAt(atMs) {
    if (atMs - this.#lastAtMs > this.#gapMs) this.#beganAtMs.push(atMs);
    this.#lastAtMs = atMs;
  }
}

/**
 * @typedef {object} Traffic
 * @property {number} upBytes from the phone, with TLS, without the heads of TCP and IP
 * @property {number} downBytes to the phone
 * @property {number} connections that the phone opened
 * @property {number} wakeUps of its radio
 * @property {readonly number[]} wokeAtMs
 */

/** Counts the traffic of one phone. Everything that travels keeps the radio awake. */
export class Radio {
  #upBytes = 0;
  #downBytes = 0;
  #connections = 0;
  #bursts;

  /** @param {number} gapMs */
  constructor(gapMs) {
    this.#bursts = new Bursts(gapMs);
  }

  /** @param {number} atMs */
  opened(atMs) {
    this.#connections += 1;
    this.#bursts.activeAt(atMs);
  }

  /**
   * @param {number} bytes
   * @param {number} atMs
   */
  sent(bytes, atMs) {
    this.#upBytes += bytes;
    this.#bursts.activeAt(atMs);
  }

  /**
   * @param {number} bytes
   * @param {number} atMs
   */
  received(bytes, atMs) {
    this.#downBytes += bytes;
    this.#bursts.activeAt(atMs);
  }

  /** @param {number} atMs when a side closed a connection */
  closed(atMs) {
    this.#bursts.activeAt(atMs);
  }

  /** @returns {Traffic} */
  traffic() {
    return {
      upBytes: this.#upBytes,
      downBytes: this.#downBytes,
      connections: this.#connections,
      wakeUps: this.#bursts.beganAtMs.length,
      wokeAtMs: this.#bursts.beganAtMs,
    };
  }
}
