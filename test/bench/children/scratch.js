/**
 * The folder for files of the benchmark and its processes. The folder is removed when the benchmark
 * exits.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder = '';

/** @returns {string} the same folder on each call */
export function scratchFolder() {
  if (folder === '') {
    folder = mkdtempSync(join(tmpdir(), 'ucwa-bench-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
  return folder;
}
