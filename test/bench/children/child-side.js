/**
 * The child's side of the messages between the benchmark and its processes. A child exits when the
 * channel closes, so it never outlives its parent.
 */

process.once('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group. The parent gets it too, and its exit ends the child.
process.on('SIGINT', () => undefined);

/** @returns {any} the options that the parent passed to this child */
export function childOptions() {
  return JSON.parse(process.argv[2] ?? '{}');
}

/** @returns {number} user and system time of this process so far, of all threads */
export function cpuMicros() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/**
 * Tells the parent that the child is ready, and answers the parent's questions from then on.
 *
 * @param {object} facts
 * @param {Record<string, (value: any) => unknown>} answers by question; they may return promises
 */
export function serveParent(facts, answers) {
  process.on('message', (/** @type {any} */ { id, what, value }) => {
    Promise.resolve(value)
      .then((given) => answers[what]?.(given))
      .then((answer) => tell({ id, answer }))
      .catch((error) => tell({ id, failure: error instanceof Error ? error.message : `${error}` }));
  });
  tell({ facts });
}

/** @param {object} message */
function tell(message) {
  process.send?.(message);
}
