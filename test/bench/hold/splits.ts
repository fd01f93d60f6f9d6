/** Measures how many saved requests the separation of calls costs: by class, and by lane. */
import { adaptive, play } from '../../support/hold-player.ts';
import { playSlow, slows, slowTraffics, type Seen } from '../../support/slow-player.ts';
import { busy, evenBusy, onlyReads } from '../../support/traffics.ts';

const share = 2;
const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;
const line = (name: string, figures: string): void => {
  process.stdout.write(`  ${name.padEnd(58)}${figures}\n`);
};

process.stdout.write('\nGETs and writes apart: requests saved\n');
for (const traffic of [busy, evenBusy]) {
  line(`${traffic.name}, a quarter writes`, percent(play(traffic, adaptive, share).saved));
  line(`${traffic.name}, all are GETs`, percent(play(onlyReads(traffic), adaptive, share).saved));
}

process.stdout.write('\nSlow calls apart, one call in twenty: requests saved, p99 of the others\n');
const seen = ({ saved, ratios }: Seen): string =>
  `${percent(saved).padStart(7)}  ${ratios.p99.toFixed(2)} times what they take`;
for (const [name, traffic] of Object.entries(slowTraffics)) {
  line(`${name}, no call slow`, seen(playSlow(traffic, slows['one slow route'], { slower: 1 })));
  for (const slow of ['one slow route', 'slow calls that nothing predicts'] as const) {
    line(`${name}, ${slow}, 40 times slower`, seen(playSlow(traffic, slows[slow])));
  }
}
