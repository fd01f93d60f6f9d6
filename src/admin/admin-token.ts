/** Checks the token of requests that change something (`admin.tokenFile`). */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/**
 * Returns whether the fields are one `Authorization: Bearer` with the token of the file. The file is read each time, so
 * that it can be replaced. The time of the comparison does not depend on the tokens.
 */
export async function hasAdminToken(
  fields: readonly string[] | undefined,
  file: string,
): Promise<boolean> {
  const [field, ...more] = fields ?? [];
  const given = /^bearer +([\x21-\x7e]+)$/i.exec(field ?? '')?.[1];
  const token = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (given === undefined || more.length > 0 || token === '') return false;
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
