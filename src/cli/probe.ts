import { quoted } from '../settings/quoted.ts';
import { masked } from '../settings/masked.ts';
import { type Command, exitCode, type GivenArguments, type Io } from './command.ts';
import { type DiscoveryLinks, foreignRelations, readDiscovery } from './discovery.ts';
import { type Answer, httpGet } from './http-get.ts';

const defaultTimeoutMs = 3000;
const maxTimeoutMs = 600_000;

/**
 * Asks a running proxy whether it is ready, or shows the links of a discovery document. The image uses
 * it as its health check, because the image has neither a shell nor curl.
 */
export const probe: Command = {
  name: 'probe',
  summary: 'ask a proxy whether it is ready, or show the links of a UCWA discovery document',
  flags: [
    {
      name: 'timeout',
      placeholder: 'MS',
      meaning: `maximum time for everything (default: ${defaultTimeoutMs})`,
    },
    { name: 'pool', meaning: 'end with code 1 if the proxy cannot reach its pool, too' },
  ],
  operands: [
    {
      name: 'URL',
      meaning: 'admin address of a proxy (http://127.0.0.1:9464), or discovery address of a pool',
    },
  ],
  notes: `Exit code 0: ready, or a discovery document; 1: neither; 2: not a URL.
A warning says that the pool cannot be reached. It changes the exit code only with --pool, because
a container must not restart while the pool is away.
A warning lists links of a discovery document to other hosts: clients that follow these links
bypass the proxy. Redirects are reported, not followed.`,
  run: probeUrl,
};

async function probeUrl({ operands, flags, switches }: GivenArguments, io: Io): Promise<number> {
  const [text = ''] = operands;
  const url = readUrl(text);
  if (!url) {
    io.stderr.write(
      `URL: expected http or https without credentials, such as http://127.0.0.1:9464, found ${quoted(text)}\n`,
    );
    return exitCode.usage;
  }
  const timeout = flags['timeout'] ?? String(defaultTimeoutMs);
  const timeoutMs = /^\d+$/.test(timeout) ? Number(timeout) : 0;
  if (timeoutMs < 1 || timeoutMs > maxTimeoutMs) {
    const expected = `a number of milliseconds from 1 to ${maxTimeoutMs}`;
    io.stderr.write(`--timeout: expected ${expected}, found ${quoted(timeout)}\n`);
    return exitCode.usage;
  }
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await examine(url, signal, { io, needsPool: switches.has('pool') });
  } catch (error) {
    const reason = signal.aborted ? `no complete answer within ${timeoutMs} ms` : reasonOf(error);
    io.stderr.write(`${masked(url.href)}: ${reason}\n`);
    return exitCode.failed;
  }
}

interface Report {
  readonly io: Io;
  /** Whether a pool that cannot be reached is a failure. */
  readonly needsPool: boolean;
}

/** Asks for readiness first if the path is `/`, which can be an admin port or a discovery address. */
async function examine(url: URL, signal: AbortSignal, { io, needsPool }: Report): Promise<number> {
  const isRoot = url.pathname === '/' && url.search === '';
  const readyUrl = isRoot ? new URL('/readyz', url) : url;
  if (readyUrl.pathname.endsWith('/readyz')) {
    const verboseUrl = new URL(readyUrl);
    if (verboseUrl.search === '') verboseUrl.search = 'verbose';
    const answer = await httpGet(verboseUrl, signal);
    if (isReadiness(answer)) return reportReadiness(readyUrl, answer, { io, needsPool });
    if (!isRoot) return reportOther(readyUrl, answer, io);
  }
  const answer = await httpGet(url, signal);
  const links = answer.status === 200 ? readDiscovery(answer.body) : undefined;
  return links ? reportDiscovery(url, links, io) : reportOther(url, answer, io);
}

function isReadiness({ status, contentType, body }: Answer): boolean {
  return (
    (status === 200 || status === 503) &&
    !contentType.startsWith('text/html') &&
    readDiscovery(body) === undefined
  );
}

function reportReadiness(url: URL, { status, body }: Answer, { io, needsPool }: Report): number {
  const conditions = body.trim().split(/\s*\n\s*/);
  if (status === 200) {
    io.stdout.write(`${masked(url.href)}: ready\n`);
    const pools = conditions.filter((line) => /^\[[+-]\]pool\b/.test(line));
    const away = pools.filter((line) => line.startsWith('[-]')).map((line) => line.slice(3));
    if (needsPool && pools.length === 0) away.push('the proxy does not say');
    if (away.length === 0) return exitCode.ok;
    const reasons = away.map((line) => printable(line)).join(', ');
    const level = needsPool ? '' : 'warning: ';
    io.stderr.write(`${level}the proxy cannot reach its pool (${reasons})\n`);
    return needsPool ? exitCode.failed : exitCode.ok;
  }
  io.stderr.write(
    `${masked(url.href)}: not ready (${status}, ${printable(conditions.join(' '))})\n`,
  );
  return exitCode.failed;
}

function reportDiscovery(url: URL, links: DiscoveryLinks, io: Io): number {
  io.stdout.write(`${masked(url.href)}: UCWA discovery document\n`);
  for (const [relation, target] of links) {
    io.stdout.write(`  ${relation}: ${masked(target.href)}\n`);
  }
  const foreign = foreignRelations(links, url);
  if (foreign.length > 0) {
    const names = foreign.map((relation) => `${relation} (${links.get(relation)?.host ?? ''})`);
    io.stderr.write(
      `warning: not on ${url.host}: ${names.join(', ')}; clients that follow these links bypass it\n`,
    );
  }
  return exitCode.ok;
}

function reportOther(url: URL, { status, contentType, location }: Answer, io: Io): number {
  const target =
    location !== undefined && URL.canParse(location, url.href) && new URL(location, url);
  const what =
    target && status >= 300 && status < 400
      ? `a redirect (${status}) to ${masked(target.href)}, not followed`
      : `neither a proxy's admin address nor a UCWA discovery document ` +
        `(${status}, ${printable(contentType) || 'no content type'})`;
  io.stderr.write(`${masked(url.href)}: ${what}\n`);
  return exitCode.failed;
}

function readUrl(text: string): URL | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username === '' && url.password === '' ? url : undefined;
}

/** Returns the printable ASCII of a text from a server, at most 200 characters. */
function printable(text: string): string {
  return text.replace(/[^ -~]/g, '').slice(0, 200);
}

/** Returns code and message of an error. The message of a failed connection may be empty. */
function reasonOf(error: unknown): string {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  return [code, message].filter((part) => part !== undefined && part !== '').join(': ');
}
