/** Finds the programs on this machine. The benchmark installs nothing. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * @param {...string} programs
 * @returns {string | undefined} why they cannot run here, or `undefined` if they can
 */
export function lacking(...programs) {
  if (programs.length === 0) return undefined;
  // util-linux contains setpriv. CPU time is read from /proc.
  const missing = ['setpriv', ...programs].filter((name) => versionOf(name) === undefined);
  return missing.length === 0 ? undefined : `${missing.join(', ')} not found`;
}

/**
 * @param {string} program
 * @returns {string | undefined} the first line of its version, or `undefined` without the program
 */
export function versionOf(program) {
  const flag = program === 'nginx' || program === 'haproxy' ? '-v' : '--version';
  const { error, stdout, stderr } = spawnSync(program, [flag], { encoding: 'utf8' });
  if (error !== undefined) return undefined;
  const said = stdout + stderr;
  return `${program} ${/\d+\.[\w.+-]+/.exec(said)?.[0] ?? said.trim()}`;
}

/** @returns {number} number of files that a process may have open, or Infinity if it is unknown */
export function availableFiles() {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files +\d+ +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}
