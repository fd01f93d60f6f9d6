/**
 * Many light clients that never rest: each asks again as soon as it was answered, so a peer runs as
 * fast as it can and CPU per call is what it costs. The pool answers at once.
 *
 * @type {import('./registry.js').Scenario}
 */
export const steadyReads = {
  name: 'steady-reads',
  about: 'each connection sends its next GET when it has been answered; the pool takes no time',
  connections: 200,
  users: 20,
  serviceMs: 0,
};
