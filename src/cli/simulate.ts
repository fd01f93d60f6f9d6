import { formatAddress, parseAddress } from '../settings/address.ts';
import { startSimulator } from '../simulator/simulator.ts';
import { type Command, exitCode, type GivenArguments } from './command.ts';
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
      name: 'servers',
      placeholder: 'N',
      meaning: 'number of servers, on this port and the next ones (default: 1)',
    },
    {
      name: 'public-url',
      placeholder: 'URL',
      meaning: 'base URL of the absolute links (default: the address of the pool)',
    },
    {
      name: 'discovery-url',
      placeholder: 'URL',
      meaning: 'base URL of a host with nothing but discovery (default: the public URL)',
    },
    {
      name: 'home-url',
      placeholder: 'URL',
      meaning: 'base URL of the applications (default: the public URL)',
    },
    {
      name: 'allow-origins',
      placeholder: 'LIST',
      meaning: 'origins of web pages that may call the pool, by comma; "*" allows all',
    },
    {
      name: 'strict-part-hosts',
      meaning: 'refuse a part of a batch that names another host than its batch',
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
  notes:
    'Any token of the form "cwt=sim-NAME" is good for the user NAME. Any name and password sign in,\n' +
    'also by NTLM; the password "wrong" and the NTLM user "wrong" do not.',
  async run(given, io) {
    const { problems, address, options } = read(given);
    if (address === undefined || problems.length > 0) {
      for (const problem of problems) io.stderr.write(`${problem}\n`);
      return exitCode.usage;
    }
    const signals = catchSignals();
    const simulator = await startSimulator({ ...address, ...options, applications: 'any' });
    for (const { port } of simulator.servers) {
      io.stdout.write(`simulated pool at http://${formatAddress({ ...address, port })}\n`);
    }
    io.stdout.write(example(`http://${formatAddress({ ...address, port: simulator.port })}`));
    await signals.first;
    await simulator.stop();
    signals.release();
    return exitCode.ok;
  },
};

/** Returns a command that works, and the way of real clients. */
function example(url: string): string {
  return `Try it, with any id of an application:
  curl -i -H 'Authorization: Bearer cwt=sim-ann' ${url}/ucwa/oauth/v1/applications/1000/me
Clients start at ${url}/ (discovery), and create an application by POST.
`;
}

/** Each server has a port of its own. */
const mostServers = 16;

const numbers = ['seed', 'limit', 'latency', 'servers'] as const;

const urls = {
  'public-url': 'publicUrl',
  'discovery-url': 'discoveryUrl',
  'home-url': 'homeUrl',
} as const;

/** Returns the address and the options of the simulator, and all problems with the flags. */
function read({ flags, switches }: GivenArguments) {
  const problems: string[] = [];
  const address = parseAddress(flags['listen'] ?? '127.0.0.1:8090');
  if (address === undefined) problems.push('--listen: expected HOST:PORT');
  const options: Partial<Record<(typeof numbers)[number], number>> &
    Partial<Record<(typeof urls)[keyof typeof urls], string>> & {
      origins?: readonly string[];
      strictPartHosts: boolean;
    } = { strictPartHosts: switches.has('strict-part-hosts') };
  for (const name of numbers) {
    const text = flags[name];
    if (text === undefined) continue;
    if (/^\d{1,9}$/.test(text)) options[name] = Number(text);
    else problems.push(`--${name}: expected a whole number`);
  }
  const { servers = 1 } = options;
  if (servers < 1 || servers > mostServers) {
    problems.push(`--servers: expected 1 to ${mostServers}, found ${servers}`);
  }
  for (const [flag, option] of Object.entries(urls)) {
    const text = flags[flag];
    if (text === undefined) continue;
    if (isBaseUrl(text)) options[option] = text;
    else problems.push(`--${flag}: expected http:// or https:// with a host, and no path`);
  }
  const origins = flags['allow-origins'];
  if (origins !== undefined) options.origins = origins.split(',').map((text) => text.trim());
  return { problems, address, options };
}

function isBaseUrl(text: string): boolean {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { pathname, search, hash } = new URL(text);
  return pathname === '/' && search === '' && hash === '';
}
