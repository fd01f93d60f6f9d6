/**
 * The simulated pool, a process of its own. Started with `{ simulator, options }`: the address of
 * its module and what it is told. Faults come by the clock, so many in each interval, and what ran
 * is forgotten when it has been told, so it may run for days.
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
    /** @param {{ rules: object[], everyMs: number }} order rules that are renewed every so often */
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
    /** What ran with a nonce since it was asked last. */
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
