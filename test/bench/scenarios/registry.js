import { steadyReads } from './steady-reads.js';

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} about
 * @property {number} connections of clients, keep-alive
 * @property {number} users that share them evenly, one credential and one application each
 * @property {number} serviceMs that the pool takes for a call, and for a batch
 */

/**
 * To add a scenario: a file beside this one, and a place here.
 *
 * @type {readonly Scenario[]}
 */
export const scenarios = [steadyReads];
