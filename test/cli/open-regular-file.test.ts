import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openRegularFile } from '../../src/cli/open-regular-file.ts';
import { onCleanup } from '../support/cleanup.ts';

test('a file is read, and anything else than a file is refused', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'open-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'access.log');
  writeFileSync(file, 'a line\n');
  const chunks: Uint8Array[] = [];
  for await (const chunk of openRegularFile(file)) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe('a line\n');
  for (const path of [folder, '/dev/zero']) {
    await expect(openRegularFile(path).next()).rejects.toThrow('expected a regular file');
  }
  await expect(openRegularFile(join(folder, 'gone.log')).next()).rejects.toThrow('ENOENT');
});
