import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { lacking } from '../programs/installed.js';

/**
 * @typedef {object} Peer A program between clients and pool, as a child process.
 * @property {string} name
 * @property {URL} file calls `servePeer`
 * @property {object} [options] which it reads with `childOptions()`, with the pool's address
 * @property {readonly string[]} [needs] programs other than Node
 */

/** The peer that all others are compared with. */
export const ours = 'ucwa-batch-proxy';

/**
 * A new peer is a new file in this folder and an entry here, with the programs that it needs.
 *
 * @type {Record<string, readonly string[]>}
 */
const registered = {
  [ours]: [],
  'http-proxy': [],
  nginx: ['nginx'],
  haproxy: ['haproxy'],
  'bare-node': [],
  'answers-itself': [],
  direct: [],
};

export const peerNames = Object.keys(registered);

/**
 * @param {string} nameOrPath name of a registered peer, or path of a peer's file
 * @returns {Peer | undefined}
 */
export function peerNamed(nameOrPath) {
  if (nameOrPath.startsWith('.') || isAbsolute(nameOrPath)) {
    return { name: nameOrPath, file: pathToFileURL(resolve(nameOrPath)) };
  }
  return Object.hasOwn(registered, nameOrPath) ? peer(nameOrPath) : undefined;
}

/**
 * @param {...string} names of registered peers
 * @returns {Peer[]}
 */
export function peersNamed(...names) {
  return names.map(peer);
}

/** @param {string} name */
function peer(name) {
  return { name, file: new URL(`./${name}.js`, import.meta.url), needs: registered[name] ?? [] };
}

/**
 * @template {Peer} P
 * @param {readonly P[]} peers
 * @returns {{ peers: P[], leftOut: string[] }} the peers that can run here, and reasons for the
 *   others
 */
export function runnable(peers) {
  const leftOut = [];
  const able = [];
  for (const one of peers) {
    const reason = one.needs === undefined ? undefined : lacking(...one.needs);
    if (reason === undefined) able.push(one);
    else leftOut.push(`${one.name} is left out: ${reason}`);
  }
  return { peers: able, leftOut };
}
