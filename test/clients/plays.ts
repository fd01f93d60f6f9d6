/** The plays of all clients, in the order of the README. */
import type { Play } from './play.ts';
import { dadecoza } from './plays/dadecoza.ts';
import { danielboth } from './plays/danielboth.ts';
import { jnlasher } from './plays/jnlasher.ts';
import { kenakamu } from './plays/kenakamu.ts';
import { mattermost } from './plays/mattermost.ts';
import { shelbyz } from './plays/shelbyz.ts';
import { tamhinsf } from './plays/tamhinsf.ts';
import { tonybaloney } from './plays/tonybaloney.ts';
import { wapacro } from './plays/wapacro.ts';

export const plays: readonly Play[] = [
  ...[kenakamu, shelbyz, tamhinsf, tonybaloney, jnlasher],
  ...[dadecoza, danielboth, wapacro, mattermost],
];
