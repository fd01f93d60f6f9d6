/** What the benchmark finds on this machine; it installs nothing. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * @param {...string} programs
 * @returns {string | undefined} why they cannot be run here; `undefined`: they can
 */
export function lacking(...programs) {
  if (programs.length === 0) return undefined;
  // util-linux has setpriv; CPU time is read from /proc.
  const missing = ['setpriv', ...programs].filter((name) => versionOf(name) === undefined);
  return missing.length === 0 ? undefined : `${missing.join(', ')} not found`;
}

/**
 * @param {string} program
 * @returns {string | undefined} what it says first of itself; `undefined`: there is no such program
 */
export function versionOf(program) {
  const flag = program === 'nginx' || program === 'haproxy' ? '-v' : '--version';
  const { error, stdout, stderr } = spawnSync(program, [flag], { encoding: 'utf8' });
  if (error !== undefined) return undefined;
  const said = stdout + stderr;
  return `${program} ${/\d+\.[\w.+-]+/.exec(said)?.[0] ?? said.trim()}`;
}

/** @returns {number} how many files a process may have open; Infinity where nobody says */
export function availableFiles() {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files +\d+ +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}
