/**
 * Who calls what, and what the pool says to it. Pool and load generator both know it, so every
 * answer can be checked to the byte: each call asks for a path of its own, and its answer names it.
 */

/** Length of every body that the pool serves, unless a scenario says otherwise. */
export const usualBodyBytes = 290;

/** About what a web ticket has. */
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
 * @returns {string} ASCII, so long, or as long as it takes to name the path
 */
export function bodyFor(path, bytes = usualBodyBytes) {
  const start = `{"availability":"Online","_links":{"self":{"href":"${path}"}},"activity":"`;
  return `${start.padEnd(bytes - 2, '.')}"}`;
}
