/**
 * How long to hold: saved requests against what callers pay, by rule and by shape of traffic, in
 * virtual time. Prints the figures and draws docs/hold.svg, to the byte the same for the same code.
 * Nothing is timed, so it may run beside other work; a minute or two.
 */
import { register } from 'node:module';

register('./strip-types.js', import.meta.url);
await import('./compare.ts');
await import('./splits.ts');
