/**
 * Compares hold rules: saved requests against added latency, by rule and by traffic, in virtual
 * time. Prints the figures and draws docs/hold.svg. The same code draws the same bytes. The run
 * takes one or two minutes. Other work on the machine does not change the result.
 */
import { register } from 'node:module';

register('./strip-types.js', import.meta.url);
await import('./compare.ts');
await import('./splits.ts');
