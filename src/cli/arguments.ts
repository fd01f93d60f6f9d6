import { parseArgs } from 'node:util';
import { quoted } from '../settings/quoted.ts';
import { didYouMean } from '../settings/nearest.ts';
import type { Command, GivenArguments } from './command.ts';

/** Parsed arguments, or all problems with them, one line each. */
type ReadArguments =
  | { readonly ok: true; readonly given: GivenArguments }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Parses the arguments of a command: `--flag value`, `--flag=value`, switches and operands, in any
 * order. `--` ends the flags. If a flag is given twice, the last value counts.
 */
export function readArguments(
  { flags, operands }: Pick<Command, 'flags' | 'operands'>,
  argv: readonly string[],
): ReadArguments {
  const options = Object.fromEntries(
    flags.map((flag) => [
      flag.name,
      { type: flag.placeholder === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { tokens } = parseArgs({
    args: [...argv],
    options,
    allowPositionals: true,
    strict: false, // strict mode reports only the first problem
    tokens: true,
  });

  const names = flags.map((flag) => flag.name);
  const values: Record<string, string> = {};
  const switches = new Set<string>();
  const positionals: string[] = [];
  const problems: string[] = [];
  const isSecret = operands.some((operand) => operand.isSecret === true);
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue = false } = token;
    const flag = flags.find((known) => known.name === name);
    if (!flag) {
      const found = isSecret ? '' : `${rawName}: `;
      problems.push(`${found}unknown flag${didYouMean(name, names, '--')}`);
    } else if (flag.placeholder === undefined) {
      switches.add(name);
      if (value !== undefined) problems.push(`${rawName}: expected no value`);
    } else if (!value || (!inlineValue && value.startsWith('-'))) {
      problems.push(`${rawName}: expected a value, ${flag.placeholder}`);
    } else {
      values[name] = value;
    }
  }
  // Operands are not checked after an unknown flag, because one of them may be its value.
  if (problems.length === 0) {
    for (const { name } of operands.slice(positionals.length))
      problems.push(`expected ${name}, found nothing`);
    const isRepeated = operands.at(-1)?.isRepeated === true;
    for (const extra of isRepeated ? [] : positionals.slice(operands.length))
      problems.push(isSecret ? 'unexpected argument' : `unexpected argument ${quoted(extra)}`);
  }
  return problems.length === 0
    ? { ok: true, given: { flags: values, switches, operands: positionals } }
    : { ok: false, problems: [...new Set(problems)] };
}
