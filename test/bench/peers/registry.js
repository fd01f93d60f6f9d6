import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { lacking } from '../programs/installed.js';

/**
 * @typedef {object} Peer A program that stands between clients and pool, as a child process.
 * @property {string} name
 * @property {URL} file calls `servePeer`
 * @property {object} [options] what it finds as `childOptions()`, beside the pool's address
 * @property {readonly string[]} [needs] programs, beside Node
 */

/** All others are compared with it. */
export const ours = 'ucwa-batch-proxy';

/**
 * To add a peer: a file beside this one, and its name here, with the programs that it needs.
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
 * @param {string} nameOrPath of a registered peer, or of a file that is one
 * @returns {Peer | undefined}
 */
export function peerNamed(nameOrPath) {
  if (nameOrPath.startsWith('.') || isAbsolute(nameOrPath)) {
    return { name: nameOrPath, file: pathToFileURL(resolve(nameOrPath)) };
  }
  return Object.hasOwn(registered, nameOrPath) ? peer(nameOrPath) : undefined;
}

/**
 * @param {...string} names registered ones
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
 * @returns {{ peers: P[], leftOut: string[] }} those that can run here, and why the others cannot
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
