/** Native programs, as children of a child of the benchmark. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { childOptions } from '../children/child-side.js';

const startWithinMs = 10_000;
/** Unit in which Linux reports CPU time. */
const microsPerTick = 10_000;

/**
 * @param {string} name
 * @returns {string} a new folder, which is removed when the benchmark exits
 */
export function newFolder(name) {
  return mkdtempSync(join(childOptions().scratch, `${name}-`));
}

/**
 * Starts a program that never outlives this process.
 *
 * @param {string} program which must not fork
 * @param {readonly string[]} args
 * @param {number} port where the program listens
 * @returns {Promise<() => number>} resolves when it listens; the function returns its CPU time so
 *   far, in microseconds
 */
export async function startNative(program, args, port) {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], {
    stdio: ['ignore', 2, 2],
  });
  /** @type {string | undefined} */
  let ended;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = `it ended with ${signal ?? `code ${code}`}`));
  const endsAtMs = performance.now() + startWithinMs;
  while (!(await accepts(port))) {
    if (performance.now() > endsAtMs) ended ??= `it does not listen after ${startWithinMs} ms`;
    if (ended !== undefined) throw new Error(`${program}: ${ended}`);
    await delay(20);
  }
  return () => {
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'latin1');
    // The fields follow the name, which may contain blanks. The 14th and 15th are user and system
    // time.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * microsPerTick;
  };
}

/** @param {number} port */
function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
