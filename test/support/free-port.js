/** Ports for programs that cannot be told to find one themselves. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const lowest = 10_000;

/**
 * Below those that the system gives to whoever asks for any, if that leaves some: one of those may be
 * taken by a client's connection before the program that it is for has started.
 */
const end = firstOfTheSystem();

/** @type {Set<number>} */
const given = new Set();

/** @returns {Promise<number>} a port of 127.0.0.1 that nobody uses, and that was not given here before */
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

/** @returns {number} Linux's default where nobody says, or where hardly any are left below it */
function firstOfTheSystem() {
  try {
    const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1');
    const first = Number.parseInt(range, 10);
    return first > lowest + 1000 ? first : 32_768;
  } catch {
    return 32_768;
  }
}
