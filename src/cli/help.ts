import type { Command, Flag } from './command.ts';

/** Name of the program on the command line. */
export const programName = 'ucwa-batch-proxy';

/** Flag that every command has. */
const helpFlag: Flag = { name: 'help', meaning: 'show this help' };

/** Returns the help of the program. */
export function programHelp(commands: readonly Command[]): string {
  return `A reverse proxy that batches the UCWA calls of each user.

Usage: ${programName} COMMAND [FLAGS]

Commands:
${columns(commands.map(({ name, summary }) => [name, summary]))}

Flags:
${columns([
  ['--help, -h', helpFlag.meaning],
  ['--version, -v', 'show the version'],
])}

"${programName} COMMAND --help" shows the flags of a command.
`;
}

/** Returns the short or the long help of one command. They are equal if the command has no more to say. */
export function commandHelp(
  { name, summary, operands, flags, notes, longNotes }: Command,
  isLong: boolean,
): string {
  const words = operands.map((operand) => operand.name + (operand.isRepeated ? '…' : ''));
  const usage = [programName, name, '[FLAGS]', ...words];
  const rows = [...flags, helpFlag].map((flag): [string, string] => [
    flag.placeholder === undefined ? `--${flag.name}` : `--${flag.name} ${flag.placeholder}`,
    flag.meaning,
  ]);
  const parts = [
    `${name}: ${summary}`,
    `Usage: ${usage.join(' ')}`,
    ...(operands.length > 0
      ? [columns(operands.map((operand) => [operand.name, operand.meaning]))]
      : []),
    `Flags:\n${columns(rows)}`,
    ...(notes === undefined ? [] : [notes]),
    ...(longNotes === undefined
      ? []
      : [isLong ? longNotes : `"${programName} help ${name}" shows all settings, too.`]),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Formats two columns; the first is as wide as its widest cell. */
function columns(rows: ReadonlyArray<readonly [string, string]>): string {
  const width = Math.max(...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`).join('\n');
}
