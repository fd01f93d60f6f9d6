import { readFileSync } from 'node:fs';
import { effectiveYaml } from '../settings/effective-yaml.ts';
import { jsonSchema } from '../settings/json-schema.ts';
import { loadSettings, missingUpstream, namesPool } from '../settings/load-settings.ts';
import { tlsProblems } from '../settings/tls-files.ts';
import { readUserHashKey } from '../settings/user-hash-key.ts';
import { type Command, exitCode, type GivenArguments, type Io } from './command.ts';
import {
  settingsFlags,
  settingsLongNotes,
  settingsNotes,
  settingsSources,
} from './settings-flags.ts';

/** Checks the settings that `serve` would load. */
export const checkConfig: Command = {
  name: 'check-config',
  summary: 'check the settings, print them or their JSON schema',
  flags: [
    ...settingsFlags,
    { name: 'print', meaning: 'print the effective settings as YAML; they contain no secrets' },
    {
      name: 'schema',
      meaning: 'print the JSON schema of settings files; not together with other flags',
    },
  ],
  operands: [],
  notes: settingsNotes,
  longNotes: settingsLongNotes,
  run: (given, io) => Promise.resolve(run(given, io)),
};

function run(given: GivenArguments, io: Io): number {
  if (given.switches.has('schema')) return printSchema(given, io);
  const loaded = loadSettings(settingsSources(given, io));
  if (!loaded.ok) {
    for (const problem of loaded.problems) io.stderr.write(`${problem}\n`);
    return exitCode.usage;
  }
  // A file may exist only on the machine that runs serve, so a missing file is a warning here.
  const fileProblems = [
    ...tlsProblems(loaded.settings, readFileSync),
    ...readUserHashKey(loaded.settings.log.userHashKeyFile, io.readFile).problems,
  ];
  for (const warning of [...loaded.warnings, ...fileProblems]) {
    io.stderr.write(`warning: ${warning}\n`);
  }
  const isPrinted = given.switches.has('print');
  if (!namesPool(loaded.settings)) {
    // Settings can be printed without a pool, but `serve` would not start with them.
    io.stderr.write(`${isPrinted ? 'note: serve needs more: ' : ''}${missingUpstream}\n`);
    if (!isPrinted) return exitCode.usage;
  }
  io.stdout.write(
    isPrinted
      ? effectiveYaml(loaded.settings)
      : `${given.flags['config'] ?? 'the configuration (no file)'} is valid\n`,
  );
  return exitCode.ok;
}

/** Prints the schema. It does not depend on settings, so other flags are an error. */
function printSchema({ flags, switches }: GivenArguments, io: Io): number {
  const others = [...switches, ...Object.keys(flags)].filter((name) => name !== 'schema');
  if (others.length > 0) {
    io.stderr.write(`--schema: expected no other flag, found --${others.join(', --')}\n`);
    return exitCode.usage;
  }
  io.stdout.write(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
  return exitCode.ok;
}
