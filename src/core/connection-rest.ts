/**
 * How long a shared connection to the pool rests after an answer before another user's request is sent on it. A
 * faulty pool may send a second answer to one request. A second answer during the rest closes the connection. A
 * later one would be taken for the answer to the other user's request.
 */

/** The usual rest, in ms. */
export const restMs = 100;

/** The shortest rest, in ms, for when requests wait and no further connection may be opened. */
export const restAtCapMs = 10;
