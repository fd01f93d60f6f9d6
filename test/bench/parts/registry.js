import { latency } from '../latency/latency.js';
import { memory } from './memory.js';
import { answers, batches, connections, users } from './more.js';
import { phone } from '../phone/what-a-phone-gets.js';
import { phoneStart } from '../phone-start/phone-start.js';
import { overHttp2 } from './over-http2.js';
import { processes } from './processes.js';
import { start } from '../start/start.js';
import { steadyReads } from './steady-reads.js';
import { traces } from './traces.js';

/**
 * @typedef {object} Context
 * @property {boolean} quick
 * @property {import('../measure/measure.js').Plan} plan
 * @property {import('../peers/registry.js').Peer[] | undefined} peers the requested peers, if any
 * @property {(entrants: readonly import('../measure/stages.js').Entrant[], plan: import('../measure/measure.js').Plan) => Promise<import('../measure/measure.js').Result[]>} measure
 * @property {URL} dist the build of this proxy
 * @property {(text: string) => void} progress
 */

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {string} title
 * @property {Record<'usual' | 'quick', import('../measure/measure.js').Plan>} plans
 * @property {(context: Context) => Promise<import('../report/markdown.js').Section>} run rejects if
 *   an answer is wrong or a process fails
 */

/**
 * A new part is a new file in this folder and an entry here.
 *
 * @type {readonly Part[]}
 */
export const parts = [
  steadyReads,
  overHttp2,
  latency,
  phoneStart,
  phone,
  users,
  connections,
  answers,
  batches,
  memory,
  start,
  processes,
  traces,
];
