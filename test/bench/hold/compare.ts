/** Compares the hold rules on each traffic: saved requests against added latency. */
import { writeFileSync } from 'node:fs';
import {
  adaptive,
  fixed,
  natural,
  off,
  play,
  type Outcome,
  type Rule,
} from '../../support/hold-player.ts';
import { traffics, type Traffic } from '../../support/traffics.ts';
import { plot } from './plot.ts';

/** Rules of one kind, in ascending order of their holds: one curve. */
export interface Family {
  readonly name: string;
  readonly points: readonly Point[];
}

interface Point extends Outcome {
  readonly name: string;
  /** Whether `serve` uses this rule by default. */
  readonly isDefault: boolean;
}

/** All families on one traffic. */
export interface Panel {
  readonly traffic: Traffic;
  readonly families: readonly Family[];
}

/** Factor of the traffic's usual length. */
const share = 2;
const windowsMs = [2, 5, 10, 20];
const exchangeRatesMs = [10, 20, 50, 100, 200];
const sharesOfRoute = [0.1, 0.25, 0.5];
const picture = new URL('../../../docs/hold.svg', import.meta.url);

const worth = (exchangeRateMs: number): Rule => ({
  name: `adaptive, ${exchangeRateMs} ms a request`,
  policy: { exchangeRateMs },
});

/** The rule knows the true latency of the routes. A learned latency could only be worse. */
const capped = (part: number, { routeMs }: Traffic): Rule => ({
  name: `adaptive, at most ${part * 100} % of the route`,
  policy: { lingerMaxMs: Math.min(15, part * routeMs) },
});

const panels = traffics.map((traffic): Panel => {
  process.stdout.write(`\n${traffic.name}: ${traffic.about}; routes ${traffic.routeMs} ms\n`);
  process.stdout.write(columns('', 'saved %', 'mean ms', 'p95 ms', 'hold ms'));
  const played = (name: string, rules: readonly Rule[]): Family => ({
    name,
    points: rules.map((rule) => point(traffic, rule)),
  });
  return {
    traffic,
    families: [
      played('fixed', [off, ...windowsMs.map(fixed)]),
      played('natural', [natural]),
      played(
        'capped',
        sharesOfRoute.map((part) => capped(part, traffic)),
      ),
      played(
        'adaptive',
        exchangeRatesMs.map((rateMs) => (rateMs === 50 ? adaptive : worth(rateMs))),
      ),
    ],
  };
});
writeFileSync(picture, plot(panels));
process.stdout.write(`\nsaved: of the requests; ms: what callers pay\nwritten: docs/hold.svg\n`);

function point(traffic: Traffic, rule: Rule): Point {
  const outcome = play(traffic, rule, share);
  const { saved, paidMs, meanHoldMs } = outcome;
  const figures = [saved * 100, paidMs.mean, paidMs.p95, meanHoldMs].map(inOneDigit);
  process.stdout.write(columns(`  ${rule.name}`, ...figures));
  return { ...outcome, name: rule.name, isDefault: rule === adaptive };
}

/** Avoids `-0.0`. */
function inOneDigit(value: number): string {
  return (Math.round(value * 10) / 10 + 0).toFixed(1);
}

function columns(first: string, ...others: readonly string[]): string {
  return `${first.padEnd(36)}${others.map((cell) => cell.padStart(9)).join('')}\n`;
}
