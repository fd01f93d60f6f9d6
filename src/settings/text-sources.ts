/** Settings from text: environment variables and flags. */
import { environmentPrefix, type Leaf, leaves } from './describe-settings.ts';
import { type Findings, take } from './findings.ts';
import { didYouMean } from './nearest.ts';

/**
 * Adds the settings of `UCWA_PROXY_*` variables to `found`. An unknown variable is only a warning:
 * Kubernetes adds variables with this prefix for a Service with the name `ucwa-proxy`.
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

/** Adds the settings of flags to `found`. Flags that are not settings are ignored. */
export function takeFlags(found: Findings, flags: Readonly<Record<string, string>>): void {
  for (const leaf of leaves.values()) {
    const text = leaf.flag === undefined ? undefined : flags[leaf.flag];
    if (text !== undefined) take(found, leaf, valueOf(leaf, text), `--${leaf.flag}`);
  }
}

function withoutPrefix(name: string): string {
  return name.slice(environmentPrefix.length);
}

/**
 * Converts text to the type of a setting. Commas separate list items. Text that is not a plain
 * number or a boolean stays text, and the schema refuses it.
 */
function valueOf(leaf: Leaf, text: string): unknown {
  switch (leaf.takes) {
    case 'number':
      return /^-?\d+$/.test(text) ? Number(text) : text;
    case 'fraction':
      return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' || (text === 'false' ? false : text);
    case 'list':
      return text === '' ? [] : text.split(',').map((item) => item.trim());
    case 'text':
      return text;
  }
}
