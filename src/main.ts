#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import type { Command } from './cli/command.ts';
import { openRegularFile } from './cli/open-regular-file.ts';
import type { Prompt } from './cli/prompt.ts';
import { runCommandLine } from './cli/run-command-line.ts';

// By default Node opens its inspector on SIGUSR1, which gives access to all credentials in memory.
process.on('SIGUSR1', () => undefined);

const commands = new Map<string, () => Promise<Command>>([
  ['serve', async () => (await import('./cli/serve.ts')).serve],
  ['demo', async () => (await import('./cli/demo.ts')).demo],
  ['init', async () => (await import('./cli/init.ts')).init],
  ['simulate', async () => (await import('./cli/simulate.ts')).simulate],
  ['check-config', async () => (await import('./cli/check-config.ts')).checkConfig],
  ['probe', async () => (await import('./cli/probe.ts')).probe],
  ['who-is', async () => (await import('./cli/who-is.ts')).whoIs],
  ['tune', async () => (await import('./cli/tune.ts')).tune],
  ['capacity', async () => (await import('./cli/capacity.ts')).capacity],
  ['verify', async () => (await import('./cli/verify.ts')).verify],
]);

async function openTerminal(): Promise<Prompt> {
  const { openPrompt } = await import('./cli/prompt.ts');
  return openPrompt(process.stdin, process.stdout);
}

process.exitCode = await runCommandLine(commands, process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  readFile: (path) => readFileSync(path, 'utf8'),
  openFile: openRegularFile,
  openPrompt: process.stdin.isTTY && process.stdout.isTTY ? openTerminal : undefined,
});
