/**
 * The calls and their answers. Pool and load generator share this file, so that each answer can be
 * checked byte for byte: each call has its own path, and its answer contains the path.
 */

/** Length of each body that the pool sends, unless a scenario sets another length. */
export const usualBodyBytes = 290;

/** Approximate length of a web ticket. */
const tokenLength = 400;

/**
 * @typedef {object} User One credential and one application.
 * @property {string} authorization value of the field
 * @property {string} applicationPath
 */

/**
 * @param {number} index
 * @returns {User}
 */
export function userAt(index) {
  return {
    authorization: `Bearer ${`cwt=bench-user-${index}-`.padEnd(tokenLength, 'A')}`,
    applicationPath: `/ucwa/oauth/v1/applications/${104_209_000_000 + index}`,
  };
}

/**
 * @param {User} user
 * @param {number} connection
 * @param {number} call
 * @returns {string} a path that no other call of the same connection asks for
 */
export function pathOf(user, connection, call) {
  return `${user.applicationPath}/people/c${connection}-${call}@pool.example/presence`;
}

/**
 * @param {string} path
 * @param {number} [bytes]
 * @returns {string} ASCII of that length, or longer if the path needs more
 */
export function bodyFor(path, bytes = usualBodyBytes) {
  const start = `{"availability":"Online","_links":{"self":{"href":"${path}"}},"activity":"`;
  return `${start.padEnd(bytes - 2, '.')}"}`;
}
