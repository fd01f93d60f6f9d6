#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { checkConfig } from './cli/check-config.ts';
import { demo } from './cli/demo.ts';
import { probe } from './cli/probe.ts';
import { runCommandLine } from './cli/run-command-line.ts';
import { serve } from './cli/serve.ts';
import { simulate } from './cli/simulate.ts';
import { tune } from './cli/tune.ts';

// Without a listener Node opens its inspector on this signal, and with it all that is in memory.
process.on('SIGUSR1', () => undefined);

process.exitCode = await runCommandLine(
  [serve, demo, simulate, checkConfig, probe, tune],
  process.argv.slice(2),
  {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    readFile: (path) => readFileSync(path, 'utf8'),
  },
);
