import { readFileSync, writeFileSync } from 'node:fs';
import { loadServeSettings } from '../settings/load-settings.ts';
import { answerProblem, type Starter, starterFile } from '../settings/starter-file.ts';
import { tlsProblems } from '../settings/tls-files.ts';
import { type Command, exitCode, type Flag, type GivenArguments, type Io } from './command.ts';
import { programName } from './help.ts';
import type { Prompt } from './prompt.ts';

interface Question extends Flag {
  readonly answer: keyof Starter;
  readonly placeholder: string;
  readonly question: string;
  /** The answer if there is none. An absent default means that an answer is required. */
  readonly otherwise?: string;
  /** Whether the question makes sense after the earlier answers; default: always. */
  readonly fits?: (earlier: Starter) => boolean;
}

const nothing: Starter = {
  placement: '',
  upstream: '',
  names: '',
  tlsCert: '',
  tlsKey: '',
  mode: '',
};

const questions: readonly Question[] = [
  {
    ...{ answer: 'placement', name: 'placement', placeholder: 'sidecar|gateway' },
    meaning: 'sidecar: beside one application. gateway: in front of all clients (default: gateway)',
    question: 'Placement: a sidecar of one application, or a gateway for all clients?',
    otherwise: 'gateway',
  },
  {
    ...{ answer: 'upstream', name: 'upstream', placeholder: 'URL' },
    meaning: 'address of the pool',
    question: 'Address of the pool, such as https://fe01.example.com:4443:',
  },
  {
    ...{ answer: 'names', name: 'names', placeholder: 'LIST' },
    meaning:
      'names by which clients reach the pool, by comma; only for a gateway (default: any name)',
    question: 'Names by which clients reach the pool, by comma (empty: any name):',
    otherwise: '',
    fits: ({ placement }) => placement === 'gateway',
  },
  {
    ...{ answer: 'tlsCert', name: 'tls-cert', placeholder: 'FILE' },
    meaning: 'file with the certificate chain that clients see (default: plain HTTP)',
    question: 'File with the certificate chain for clients (empty: plain HTTP):',
    otherwise: '',
    fits: ({ placement }) => placement === 'gateway',
  },
  {
    ...{ answer: 'tlsKey', name: 'tls-key', placeholder: 'FILE' },
    meaning: 'file with the private key of this certificate',
    question: 'File with its private key:',
    fits: ({ tlsCert }) => tlsCert !== '',
  },
  {
    ...{ answer: 'mode', name: 'mode', placeholder: 'shadow|adaptive' },
    meaning: 'shadow: only count what batching would save. adaptive: batch (default: shadow)',
    question: 'Mode: shadow (only count what batching would save), or adaptive (batch)?',
    otherwise: 'shadow',
  },
];

const defaultFile = `${programName}.yaml`;

/** Writes a settings file with comments, from flags and from answers on a terminal. */
export const init: Command = {
  name: 'init',
  summary: 'write a settings file for a pool',
  flags: [
    {
      name: 'output',
      placeholder: 'FILE',
      meaning: `file to write (default: ${defaultFile})`,
    },
    { name: 'force', meaning: 'overwrite the file if it exists' },
    ...questions.map(({ name, placeholder, meaning }) => ({ name, placeholder, meaning })),
  ],
  operands: [],
  notes:
    'On a terminal, init asks for each answer that no flag gives. An empty answer is the default.',
  run,
};

async function run(given: GivenArguments, io: Io): Promise<number> {
  const { output = defaultFile } = given.flags;
  const isForced = given.switches.has('force');
  if (!isForced && isReadable(output, io)) return refuse([existing(output)], io);
  const prompt = await io.openPrompt?.();
  let starter: Starter | readonly string[];
  try {
    starter = await answers(given, io, prompt);
  } finally {
    prompt?.close();
  }
  if (!('upstream' in starter)) return refuse(starter, io);

  const text = starterFile(starter);
  const loaded = loadServeSettings({
    flags: { config: output },
    env: {},
    readFile: () => text,
  });
  if (!loaded.ok) return refuse(loaded.problems, io);
  try {
    // `wx` does not follow a symbolic link, not even one to a missing file.
    writeFileSync(output, text, { flag: isForced ? 'w' : 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return refuse([existing(output)], io);
    throw error;
  }
  for (const warning of tlsProblems(loaded.settings, readFileSync)) {
    io.stderr.write(`warning: ${warning}\n`);
  }
  const path = /^[\w./-]+$/.test(output) ? output : `'${output.replaceAll("'", `'\\''`)}'`;
  io.stdout.write(`The settings are in ${output}. Its comments say what to change. Next:
  npx ${programName} check-config --config ${path}
  npx ${programName} serve --config ${path}
`);
  return exitCode.ok;
}

/** Returns the answers, or the problems with the flags. */
async function answers(
  { flags }: GivenArguments,
  io: Io,
  prompt: Prompt | undefined,
): Promise<Starter | readonly string[]> {
  const problems: string[] = [];
  for (const { name, answer } of questions) {
    const problem = flags[name] === undefined ? undefined : answerProblem(answer, flags[name]);
    if (problem !== undefined) problems.push(`--${name}: ${problem}`);
  }
  if (problems.length > 0) return problems;
  let starter = nothing;
  for (const question of questions) {
    const { name, answer, placeholder, otherwise, fits = () => true } = question;
    let value = flags[name];
    if (value === undefined && fits(starter)) {
      value = prompt === undefined ? otherwise : await asked(question, prompt, io);
      if (value === undefined) {
        problems.push(`--${name}: expected ${placeholder}, found nothing`);
      }
    }
    starter = { ...starter, [answer]: value ?? '' };
  }
  if (starter.placement === 'sidecar' && starter.names !== '') {
    problems.push('--names: expected --placement gateway, because a sidecar has its own address');
  }
  if (starter.tlsKey !== '' && starter.tlsCert === '') {
    problems.push('--tls-key: expected --tls-cert beside it');
  }
  return problems.length > 0 ? problems : starter;
}

/** Asks until the answer has no problem. */
async function asked(
  { answer, question, otherwise }: Question,
  prompt: Prompt,
  io: Io,
): Promise<string> {
  const hint = otherwise === undefined || otherwise === '' ? '' : ` [${otherwise}]`;
  for (;;) {
    const said = (await prompt.ask(`${question}${hint} `)).trim();
    if (said === '' && otherwise !== undefined) return otherwise;
    const problem = answerProblem(answer, said);
    if (problem === undefined) return said;
    io.stdout.write(`${problem}\n`);
  }
}

function refuse(problems: readonly string[], io: Io): number {
  for (const problem of problems) io.stderr.write(`${problem}\n`);
  return exitCode.usage;
}

function existing(path: string): string {
  return `${path}: exists; --force overwrites it, --output FILE writes another file`;
}

function isReadable(path: string, io: Io): boolean {
  try {
    io.readFile(path);
    return true;
  } catch {
    return false;
  }
}
