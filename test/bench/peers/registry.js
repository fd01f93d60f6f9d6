import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * @typedef {object} Peer A program that stands between clients and pool, as a child process.
 * @property {string} name
 * @property {URL} file calls `servePeer`
 */

/** All others are compared with it. */
export const ours = 'ucwa-batch-proxy';

/** To add a peer: a file beside this one, and its name here. */
const names = [ours, 'http-proxy'];

/** @returns {readonly Peer[]} */
export function allPeers() {
  return names.map((name) => ({ name, file: new URL(`./${name}.js`, import.meta.url) }));
}

/**
 * @param {string} nameOrPath of a registered peer, or of a file that is one
 * @returns {Peer | undefined}
 */
export function peerNamed(nameOrPath) {
  if (nameOrPath.startsWith('.') || isAbsolute(nameOrPath)) {
    return { name: nameOrPath, file: pathToFileURL(resolve(nameOrPath)) };
  }
  return allPeers().find(({ name }) => name === nameOrPath);
}
