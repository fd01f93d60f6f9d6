/**
 * A TCP relay that simulates distance, as a child of the benchmark. It forwards all bytes in order,
 * half a round trip later on each side.
 */
import { connect, createServer } from 'node:net';
import { childOptions, serveParent } from '../children/child-side.js';
import { listenOnLoopback } from '../children/listen-on-loopback.js';

/** @type {{ port: number, roundTripMs: number }} */
const { port, roundTripMs } = childOptions();

const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  join(near, far);
  join(far, near);
});

/**
 * @param {import('node:net').Socket} from
 * @param {import('node:net').Socket} to
 */
function join(from, to) {
  // Timers of equal duration run in the order in which they were set.
  /** @param {() => void} act */
  const later = (act) => setTimeout(act, roundTripMs / 2);
  from.on('data', (chunk) => later(() => to.write(chunk)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => to.destroy());
  from.on('close', () => later(() => to.destroy()));
}

serveParent({ url: await listenOnLoopback(server) }, {});
