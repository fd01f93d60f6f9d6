/**
 * The child's side of the talk between the benchmark and its processes. A child lives as long as its
 * parent: it goes when the channel closes, however the parent ended.
 */

process.once('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole group; the parent hears it too, and its end is ours.
process.on('SIGINT', () => undefined);

/** @returns {any} what the parent started this child with */
export function childOptions() {
  return JSON.parse(process.argv[2] ?? '{}');
}

/** @returns {number} user and system time of this process so far, all threads */
export function cpuMicros() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/**
 * Tells the parent that it may begin, and answers it from then on.
 *
 * @param {object} facts
 * @param {Record<string, (value: any) => unknown>} answers by what is asked; may be promises
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
