/** Settings from text: environment variables and flags. */
import { environmentPrefix, type Leaf, leaves } from './describe-settings.ts';
import { type Findings, take } from './findings.ts';
import { didYouMean } from './nearest.ts';

/**
 * Takes `UCWA_PROXY_*` variables. An unknown one is only a warning: Kubernetes adds such names to
 * the environment of each container for a Service that is called `ucwa-proxy`.
 */
export function takeEnvironment(
  found: Findings,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const leafByName = new Map([...leaves.values()].map((leaf) => [leaf.env, leaf]));
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(environmentPrefix) || text === undefined) continue;
    const leaf = leafByName.get(name);
    if (leaf) {
      take(found, leaf, valueOf(leaf, text), name);
      continue;
    }
    const names = [...leafByName.keys()].map(withoutPrefix);
    const hint = didYouMean(withoutPrefix(name), names, environmentPrefix);
    found.warnings.push(`${name}: not the name of a setting, ignored${hint}`);
  }
}

/** Takes flags by name, without dashes; names that are no settings are not its business. */
export function takeFlags(found: Findings, flags: Readonly<Record<string, string>>): void {
  for (const leaf of leaves.values()) {
    const text = leaf.flag === undefined ? undefined : flags[leaf.flag];
    if (text !== undefined) take(found, leaf, valueOf(leaf, text), `--${leaf.flag}`);
  }
}

function withoutPrefix(name: string): string {
  return name.slice(environmentPrefix.length);
}

/** Lists are separated by commas; what is no plain integer, true or false stays text, and is refused as such. */
function valueOf(leaf: Leaf, text: string): unknown {
  switch (leaf.takes) {
    case 'number':
      return /^-?\d+$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' || (text === 'false' ? false : text);
    case 'list':
      return text === '' ? [] : text.split(',').map((item) => item.trim());
    case 'text':
      return text;
  }
}
