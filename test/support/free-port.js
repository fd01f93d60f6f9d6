/** Ports for programs that cannot choose one themselves. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const lowest = 10_000;

/**
 * Upper bound of the ports, exclusive: the first ephemeral port of the system. The system could
 * give an ephemeral port to a client's connection before the program has started.
 */
const end = firstOfTheSystem();

/** @type {Set<number>} */
const given = new Set();

/**
 * @returns {Promise<number>} an unused port of 127.0.0.1 that this function has not returned before
 */
export async function freePort() {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (end - lowest));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** @returns {number} the first ephemeral port, or Linux's default if it is unknown or too low */
function firstOfTheSystem() {
  try {
    const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1');
    const first = Number.parseInt(range, 10);
    return first > lowest + 1000 ? first : 32_768;
  } catch {
    return 32_768;
  }
}
