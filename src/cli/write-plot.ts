import { writeFileSync } from 'node:fs';
import type { GivenArguments, Io } from './command.ts';

/** Writes the plot to the file of `--svg`, if the user gave one. A failure loses nothing that was printed before. */
export function writePlot(plot: string, { flags, switches }: GivenArguments, { stdout }: Io): void {
  const { svg } = flags;
  if (svg === undefined) return;
  writeFileSync(svg, plot);
  if (!switches.has('json')) stdout.write(`\nthe plot is in ${svg}\n`);
}
