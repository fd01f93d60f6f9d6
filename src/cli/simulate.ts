import { formatAddress, parseAddress } from '../settings/address.ts';
import { startSimulator } from '../simulator/simulator.ts';
import { type Command, exitCode } from './command.ts';
import { catchSignals } from './signals.ts';

/** Runs the simulated UCWA pool alone, for tests of clients and of proxies. */
export const simulate: Command = {
  name: 'simulate',
  summary: 'run a simulated UCWA pool',
  flags: [
    {
      name: 'listen',
      placeholder: 'HOST:PORT',
      meaning: 'address and port of the pool (default: 127.0.0.1:8090)',
    },
    {
      name: 'seed',
      placeholder: 'N',
      meaning: 'seed of ids and latencies; the same seed gives the same values (default: 1)',
    },
    {
      name: 'limit',
      placeholder: 'N',
      meaning: 'maximum number of outstanding calls of one user (default: 100)',
    },
    {
      name: 'latency',
      placeholder: 'MS',
      meaning: 'latency of every route (default: realistic latencies by route)',
    },
  ],
  operands: [],
  notes: 'Any token of the form "cwt=sim-NAME" is good for the user NAME.',
  async run({ flags }, io) {
    const address = parseAddress(flags['listen'] ?? '127.0.0.1:8090');
    const numbers = { seed: 1, limit: 100, latency: undefined as number | undefined };
    const problems: string[] = [];
    if (address === undefined) problems.push('--listen: expected HOST:PORT');
    for (const name of ['seed', 'limit', 'latency'] as const) {
      const text = flags[name];
      if (text === undefined) continue;
      if (/^\d{1,9}$/.test(text)) numbers[name] = Number(text);
      else problems.push(`--${name}: expected a whole number`);
    }
    if (address === undefined || problems.length > 0) {
      for (const problem of problems) io.stderr.write(`${problem}\n`);
      return exitCode.usage;
    }
    const { seed, limit, latency } = numbers;
    const signals = catchSignals();
    const simulator = await startSimulator({
      ...address,
      seed,
      limit,
      applications: 'any',
      ...(latency === undefined ? {} : { latency }),
    });
    io.stdout.write(
      `simulated pool at http://${formatAddress({ ...address, port: simulator.port })}\n`,
    );
    await signals.first;
    await simulator.stop();
    signals.release();
    return exitCode.ok;
  },
};
