/** Where the benchmark and its processes write; it goes when the benchmark ends, however that is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder = '';

/** @returns {string} the same, whenever asked */
export function scratchFolder() {
  if (folder === '') {
    folder = mkdtempSync(join(tmpdir(), 'ucwa-bench-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
  return folder;
}
