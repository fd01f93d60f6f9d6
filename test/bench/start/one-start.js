/** One start of a program: the time until it is ready, its CPU time, and its memory at rest. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const readyWithinMs = 30_000;
/** Linux counts CPU time in these steps. */
const msPerTick = 10;

/**
 * @typedef {object} Start
 * @property {number} readyMs from the creation of the process to its line that says so
 * @property {number} cpuMs of all its threads, until then
 * @property {number} residentBytes after the rest
 * @property {number} ownBytes the part of it that is not mapped from files
 */

/**
 * @param {readonly string[]} args of Node
 * @param {RegExp} ready
 * @param {number} restMs
 * @returns {Promise<Start>}
 */
export async function oneStart(args, ready, restMs) {
  const began = performance.now();
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    const readyMs = await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${args[0]} did not start`)), readyWithinMs);
      let text = '';
      void ended.then(() => reject(new Error(`${args[0]} ended: ${text}`)));
      child.stdout.on('data', (chunk) => {
        text += String(chunk);
        if (!ready.test(text)) return;
        clearTimeout(late);
        resolve(performance.now() - began);
      });
    });
    const cpuMs = cpuOf(child.pid);
    await delay(restMs);
    return { readyMs, cpuMs, ...memoryOf(child.pid) };
  } finally {
    stop();
    await ended;
    process.off('exit', stop);
  }
}

/** @param {number | undefined} pid */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * msPerTick;
}

/** @param {number | undefined} pid */
function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  /** @param {string} name */
  const bytesOf = (name) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  return { residentBytes: bytesOf('VmRSS'), ownBytes: bytesOf('RssAnon') };
}
