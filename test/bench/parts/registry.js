import { latency } from '../latency/latency.js';
import { memory } from './memory.js';
import { answers, batches, connections, users } from './more.js';
import { phoneStart } from '../phone-start/phone-start.js';
import { processes } from './processes.js';
import { steadyReads } from './steady-reads.js';

/**
 * @typedef {object} Context
 * @property {boolean} quick
 * @property {import('../measure/measure.js').Plan} plan
 * @property {import('../peers/registry.js').Peer[] | undefined} peers if others were asked for
 * @property {(entrants: readonly import('../measure/stages.js').Entrant[], plan: import('../measure/measure.js').Plan) => Promise<import('../measure/measure.js').Result[]>} measure
 * @property {URL} dist the build of ours that is measured
 * @property {(text: string) => void} progress
 */

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {string} title
 * @property {Record<'usual' | 'quick', import('../measure/measure.js').Plan>} plans
 * @property {(context: Context) => Promise<import('../report/markdown.js').Section>} run rejects
 *   when an answer is wrong or a process fails
 */

/**
 * To add a part: a file beside this one, and a place here.
 *
 * @type {readonly Part[]}
 */
export const parts = [
  steadyReads,
  latency,
  phoneStart,
  users,
  connections,
  answers,
  batches,
  memory,
  processes,
];
