/**
 * The simulated pool in its own process. The arguments are `{ simulator, options }`: the URL of the
 * module, and its options. Faults recur by the clock. Reported executions are deleted, so that the
 * pool can run for days.
 */
import { clearInterval, setInterval } from 'node:timers';
import { childOptions, cpuMicros, serveParent } from '../../bench/children/child-side.js';

const { simulator: module, options } = childOptions();
const { startSimulator } = await import(module);
const simulator = await startSimulator(options);

/** @type {NodeJS.Timeout | undefined} */
let faults;

function calm() {
  clearInterval(faults);
  simulator.faults.clear();
}

serveParent(
  { url: simulator.url, port: simulator.port },
  {
    calm,
    cpuMicros,
    /**
     * @param {{ rules: object[], everyMs: number }} order rules that are added again in each
     * interval
     */
    harm({ rules, everyMs }) {
      calm();
      const renew = () => {
        simulator.faults.clear();
        for (const rule of rules) simulator.faults.add(rule);
      };
      renew();
      faults = setInterval(renew, everyMs);
    },
    /** @param {number} limit */
    limit: (limit) => simulator.setLimit(limit),
    /** @param {{ user: string, calls: number }} places */
    occupy: ({ user, calls }) => simulator.occupy(user, calls),
    stats: () => simulator.stats(),
    /** The executions of calls with a nonce since the last question. */
    executions() {
      const entries = simulator.ledger.entries().filter(({ nonce }) => nonce !== undefined);
      simulator.ledger.clear();
      return {
        nonces: entries.map(({ nonce }) => nonce),
        users: entries.map(({ user }) => user ?? ''),
      };
    },
  },
);
