/** What the program takes on a disk. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Size
 * @property {string} what
 * @property {number} files
 * @property {number} bytes
 */

/**
 * @param {URL} root of the project, with its node_modules
 * @param {URL} dist
 * @returns {Size[]} the parts that exist
 */
export function sizesOf(root, dist) {
  const { packages } = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8'));
  /** @param {(one: { dev?: boolean, optional?: boolean }) => boolean} isMeant */
  const installed = (isMeant) =>
    Object.keys(packages)
      .filter((path) => path !== '' && isMeant(packages[path]))
      .map((path) => new URL(`${path}/`, root));
  return [
    sizeOf('`dist/bundle`, which the image adds to Node', [new URL('bundle/', dist)]),
    sizeOf(
      '`npm ci --omit=dev --omit=optional`',
      installed(({ dev, optional }) => !dev && !optional),
    ),
    sizeOf(
      '`npm ci --omit=dev`',
      installed(({ dev }) => !dev),
    ),
  ].filter(({ files }) => files > 0);
}

/**
 * @param {string} what
 * @param {readonly URL[]} folders of which the last ones may lie in the first ones
 * @returns {Size}
 */
function sizeOf(what, folders) {
  const paths = new Set(folders.filter((folder) => existsSync(folder)).flatMap(filesIn));
  const bytes = [...paths].reduce((sum, path) => sum + statSync(path).size, 0);
  return { what, files: paths.size, bytes };
}

/** @param {URL} folder */
function filesIn(folder) {
  return readdirSync(fileURLToPath(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.replaceAll('//', '/'));
}
