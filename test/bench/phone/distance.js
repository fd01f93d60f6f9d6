/**
 * When bytes arrive over a distance, as pure arithmetic. A new connection takes one round trip until
 * its first bytes can leave. Bytes keep their order.
 */
export class Distance {
  #halfMs;
  #firstAtMs;

  /**
   * @param {number} roundTripMs
   * @param {number} openedAtMs when the phone began to connect
   */
  constructor(roundTripMs, openedAtMs) {
    this.#halfMs = roundTripMs / 2;
    this.#firstAtMs = openedAtMs + roundTripMs;
  }

  /**
   * @param {number} nowMs when the phone handed over the bytes
   * @returns {number} when they leave the phone
   */
  leavesAtMs(nowMs) {
    return Math.max(nowMs, this.#firstAtMs);
  }

  /**
   * @param {number} nowMs
   * @returns {number} when bytes of the phone arrive at the other side
   */
  arrivesAtMs(nowMs) {
    return this.leavesAtMs(nowMs) + this.#halfMs;
  }

  /**
   * @param {number} nowMs when the other side handed over the bytes
   * @returns {number} when they arrive at the phone
   */
  returnsAtMs(nowMs) {
    return nowMs + this.#halfMs;
  }
}
