/**
 * The network between phones and servers, as a child of the benchmark. Each line has a delay, and
 * counts what a phone sends and receives on it.
 *
 * The option is `{ lines }`; the fact is `{ urls }`, one for each line.
 */
import { connect, createServer } from 'node:net';
import { childOptions, serveParent } from '../children/child-side.js';
import { listenOnLoopback } from '../children/listen-on-loopback.js';
import { Distance } from './distance.js';
import { Radio } from './radio.js';

/**
 * @typedef {object} Line
 * @property {number} port of the server
 * @property {number} roundTripMs
 * @property {number} gapMs time without a byte after which the radio of the phone sleeps
 */

/** @type {{ lines: Line[] }} */
const { lines } = childOptions();

const radios = lines.map(({ gapMs }) => new Radio(gapMs));
/** When each line began to count. */
const beganAtMs = lines.map(() => performance.now());

/**
 * @param {Line} line
 * @param {number} index
 */
function serverOf({ port, roundTripMs }, index) {
  return createServer({ allowHalfOpen: true, noDelay: true }, (phone) => {
    const radio = () => /** @type {Radio} */ (radios[index]);
    const openedAtMs = performance.now();
    const distance = new Distance(roundTripMs, openedAtMs);
    radio().opened(openedAtMs);
    const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const toServer = inOrder((nowMs) => distance.arrivesAtMs(nowMs));
    const toPhone = inOrder((nowMs) => distance.returnsAtMs(nowMs));
    phone.on('data', (bytes) => {
      radio().sent(bytes.length, performance.now());
      toServer(() => server.write(bytes));
    });
    server.on('data', (bytes) => {
      toPhone((nowMs) => {
        radio().received(bytes.length, nowMs);
        phone.write(bytes);
      });
    });
    phone.on('end', () => {
      radio().closed(performance.now());
      toServer(() => server.end());
    });
    server.on('end', () => {
      toPhone((nowMs) => {
        radio().closed(nowMs);
        phone.end();
      });
    });
    phone.on('error', () => server.destroy());
    server.on('error', () => phone.destroy());
    phone.on('close', () => toServer(() => server.destroy()));
    server.on('close', () => toPhone(() => phone.destroy()));
  });
}

/**
 * Returns a function that runs each act when its bytes arrive. Acts run in order, even if two timers
 * of Node are due in the same millisecond.
 *
 * @param {(nowMs: number) => number} arrival
 */
function inOrder(arrival) {
  /** @type {Array<{ act: (nowMs: number) => void, atMs: number }>} */
  const waiting = [];
  let isWaiting = false;
  const next = () => {
    isWaiting = false;
    const nowMs = performance.now();
    // A timer may fire up to one millisecond early.
    while ((waiting[0]?.atMs ?? Infinity) <= nowMs + 1) waiting.shift()?.act(nowMs);
    arm();
  };
  const arm = () => {
    const [first] = waiting;
    if (first === undefined || isWaiting) return;
    isWaiting = true;
    setTimeout(next, Math.max(0, first.atMs - performance.now()));
  };
  return (/** @type {(nowMs: number) => void} */ act) => {
    waiting.push({ act, atMs: arrival(performance.now()) });
    arm();
  };
}

const urls = await Promise.all(
  lines.map(async (line, index) => {
    const url = await listenOnLoopback(serverOf(line, index));
    return url.replace('http:', 'https:');
  }),
);
serveParent(
  { urls },
  {
    /** Begins to count anew on a line. */
    begin: (/** @type {number} */ index) => {
      radios[index] = new Radio(/** @type {Line} */ (lines[index]).gapMs);
      beganAtMs[index] = performance.now();
    },
    traffic: (/** @type {number} */ index) => {
      const traffic = /** @type {Radio} */ (radios[index]).traffic();
      const since = beganAtMs[index] ?? 0;
      return { ...traffic, wokeAtMs: traffic.wokeAtMs.map((atMs) => Math.round(atMs - since)) };
    },
  },
);
