import { writeFileSync } from 'node:fs';
import { quoted } from '../settings/quoted.ts';
import { type Command, exitCode, type GivenArguments, type Io } from './command.ts';
import { catchSignals } from './signals.ts';
import { applicationPattern } from './verify/application.ts';
import { readCredential } from './verify/credential-file.ts';
import { poolProfile } from './verify/profile.ts';
import { isAsBelieved, jsonReport, markdownReport, textReport } from './verify/report.ts';
import { boundsSentence, type Verification, verifyPool } from './verify/verify-pool.ts';

/** Checks that a pool does what the proxy relies on, with the rights of one user. */
export const verify: Command = {
  name: 'verify',
  summary: 'check that a pool does what the proxy relies on, with the token of one user',
  flags: [
    { name: 'pool', placeholder: 'URL', meaning: 'scheme and host of the pool (required)' },
    {
      name: 'token-file',
      placeholder: 'FILE',
      meaning: 'file with the token, or with the field Authorization or X-MS-WebTicket (required)',
    },
    {
      name: 'application',
      placeholder: 'PATH',
      meaning: 'path of an application of the user; without it, --write creates one',
    },
    { name: 'ca', placeholder: 'FILE', meaning: 'certificate authorities to trust for the pool' },
    {
      name: 'write',
      meaning: 'also write, and put back: the note, a presence subscription, an application',
    },
    { name: 'find-limit', meaning: 'also find the limit of the user, which provokes a 429' },
    { name: 'json', meaning: 'print the report as JSON' },
    { name: 'markdown', meaning: 'print the report as Markdown' },
    {
      name: 'profile',
      placeholder: 'FILE',
      meaning: 'write the settings that were proved, for serve --config',
    },
  ],
  operands: [],
  notes: `Exit code 0: all as believed; 1: a difference or a failure; 2: usage.
${boundsSentence}
Without --write and --find-limit, it sends GETs, batches of GETs, and one request for a token without a
password. It follows no link to another address, so the token reaches only the pool. The report has no name,
no address and no token.
A pool limits the applications of a user, and ends the oldest one when there are too many. Use the token of a
test user with --write.
A token on the command line could be read by other users of the machine, so the token comes from a file.`,
  run,
};

async function run(given: GivenArguments, io: Io): Promise<number> {
  const { switches, flags } = given;
  const { problems, pool, credential, ca } = read(given, io);
  for (const problem of problems) io.stderr.write(`${problem}\n`);
  if (problems.length > 0 || pool === undefined || credential === undefined) return exitCode.usage;
  const signals = catchSignals();
  try {
    const { run, problem } = await verifyPool({
      ...{ pool, credential, ca, application: flags['application'], allowed: switches },
      interrupted: signals.first,
    });
    const report = switches.has('json')
      ? jsonReport
      : switches.has('markdown')
        ? markdownReport
        : textReport;
    io.stdout.write(report(run));
    if (problem !== undefined) io.stderr.write(`${problem}\n`);
    const { profile } = flags;
    const isWhole = run.results.some(({ settings }) => settings?.['batching.mode'] !== undefined);
    if (profile !== undefined && isWhole) {
      writeFileSync(profile, poolProfile(pool.origin, run.results));
    } else if (profile !== undefined) {
      io.stderr.write('--profile: nothing was proved, so no file was written\n');
    }
    return problem === undefined && isAsBelieved(run.results) ? exitCode.ok : exitCode.failed;
  } finally {
    signals.release();
  }
}

interface Inputs {
  readonly problems: readonly string[];
  readonly pool?: URL | undefined;
  readonly credential?: Verification['credential'] | undefined;
  readonly ca?: Verification['ca'];
}

function read({ flags, switches }: GivenArguments, io: Io): Inputs {
  const problems: string[] = [];
  const pool = poolOf(flags['pool'], problems);
  const file = flags['token-file'];
  if (file === undefined) problems.push('expected --token-file FILE, found nothing');
  const token = file === undefined ? undefined : readCredential(file, io.readFile);
  if (token?.problem !== undefined) problems.push(token.problem);
  const { application } = flags;
  if (application !== undefined && !applicationPattern.test(application)) {
    const expected = 'a path such as /ucwa/oauth/v1/applications/104209230921';
    problems.push(`--application: expected ${expected}, found ${quoted(application)}`);
  }
  if (application === undefined && !switches.has('write')) {
    problems.push(
      'expected --application PATH, or --write, which creates an application; found neither',
    );
  }
  if (switches.has('json') && switches.has('markdown')) {
    problems.push('expected --json or --markdown, found both');
  }
  const ca = caOf(flags['ca'], io, problems);
  return { problems, pool, credential: token?.credential, ca };
}

function poolOf(text: string | undefined, problems: string[]): URL | undefined {
  if (text !== undefined && /^https?:\/\/[^/\\?#@\s]+\/?$/i.test(text) && URL.canParse(text)) {
    return new URL(text);
  }
  const found = text === undefined ? 'nothing' : quoted(text);
  problems.push(
    `--pool: expected scheme and host such as https://pool.example.com, found ${found}`,
  );
  return undefined;
}

function caOf(file: string | undefined, io: Io, problems: string[]): Verification['ca'] {
  if (file === undefined) return undefined;
  try {
    return { file, pem: Buffer.from(io.readFile(file)) };
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    problems.push(`--ca: cannot be read: ${code}`);
    return undefined;
  }
}
