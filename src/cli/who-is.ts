import { readHead } from '../core/admit/request-head.ts';
import { credentialsOf } from '../core/ucwa/batch-key.ts';
import { createUserNames } from '../log/user-names.ts';
import { loadSettings } from '../settings/load-settings.ts';
import { quoted } from '../settings/quoted.ts';
import type { Settings } from '../settings/schema.ts';
import { readUserHashKey } from '../settings/user-hash-key.ts';
import { type Command, exitCode, type GivenArguments, type Io } from './command.ts';
import { settingsSources } from './settings-flags.ts';

/** Shows the hash by which the log shows the user with a credential. */
export const whoIs: Command = {
  name: 'who-is',
  summary: 'show the hash of a user in the log',
  flags: [
    { name: 'config', placeholder: 'FILE', meaning: 'YAML file with log.userHashKeyFile' },
    { name: 'key-file', placeholder: 'FILE', meaning: 'the file of log.userHashKeyFile' },
    {
      name: 'pool',
      placeholder: 'NAME',
      meaning: 'the name of the pool; required if the settings have pools',
    },
  ],
  operands: [
    {
      name: 'HEADERS',
      meaning:
        'file with the header fields Authorization or X-MS-WebTicket of a request; - reads the standard input',
      isSecret: true,
    },
  ],
  notes: `A user is a credential, so a new token of the same person has a new hash.
Do not give a credential on the command line: other users of the machine can read it there.`,
  run: (given, io) => Promise.resolve(run(given, io)),
};

function run(given: GivenArguments, io: Io): number {
  const [source = ''] = given.operands;
  const loaded = loadSettings(settingsSources(given, io));
  const configured = loaded.ok ? loaded.settings.log.userHashKeyFile : undefined;
  const { key, problems: keyProblems } = readUserHashKey(
    given.flags['key-file'] ?? configured,
    io.readFile,
  );
  const problems = [...(loaded.ok ? [] : loaded.problems), ...keyProblems];
  if (key === undefined && problems.length === 0) {
    problems.push(
      'expected --key-file FILE, or --config FILE with log.userHashKeyFile, found neither',
    );
  }
  if (loaded.ok) problems.push(...poolProblems(loaded.settings, given.flags['pool']));
  const credentials = problems.length === 0 ? credentialsIn(source, io, problems) : '';
  for (const problem of problems) io.stderr.write(`${problem}\n`);
  if (key === undefined || problems.length > 0) return exitCode.usage;
  const { nameUser, hashOf } = createUserNames(key);
  io.stdout.write(`${hashOf(nameUser(credentials, given.flags['pool'] ?? ''))}\n`);
  return exitCode.ok;
}

/** Returns a problem if the settings have pools, and none of them has the name: the hash would then be wrong. */
function poolProblems({ pools }: Settings, name: string | undefined): string[] {
  if (pools.length === 0 || pools.some((pool) => pool.name === name)) return [];
  const names = pools.map((pool) => pool.name).join(', ');
  return [
    `--pool: expected one of ${names}, found ${name === undefined ? 'nothing' : quoted(name)}`,
  ];
}

/**
 * Returns the credentials of the header fields, or adds a problem. No problem quotes a field, or the operand: the
 * operand may be a credential by mistake.
 */
function credentialsIn(source: string, io: Io, problems: string[]): string {
  try {
    const text = io.readFile(source === '-' ? '/dev/stdin' : source);
    const fields = [...text.matchAll(/^([A-Za-z0-9-]+):[ \t]*(.*?)[ \t]*$/gm)];
    const facts = readHead(fields.flatMap(([, name = '', value = '']) => [name, value]));
    const credentials = credentialsOf(facts);
    if (credentials === '') {
      problems.push('HEADERS: expected a field Authorization or X-MS-WebTicket, found neither');
    } else if (facts.repeatedCredential) {
      problems.push('HEADERS: expected each credential field once, found one of them twice');
    }
    return credentials;
  } catch (error) {
    // The message of the error has the operand.
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    problems.push(`HEADERS: cannot be read: ${code}`);
    return '';
  }
}
