/**
 * Settings of Node that break the guarantees of the proxy. `serve` starts with one of these settings
 * only if `--allow-unsafe` names the setting.
 */

import { quoted } from '../settings/quoted.ts';

/** Accepted names in `--allow-unsafe`. */
export const unsafeNames = ['insecure-http-parser', 'unverified-tls', 'inspector'] as const;
type UnsafeName = (typeof unsafeNames)[number];

/** The parts of the process that the check reads. */
export interface Runtime {
  /** Flags of Node on the command line (`process.execArgv`). */
  readonly nodeFlags: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** URL of the inspector, if it is open. */
  readonly inspectorUrl: string | undefined;
}

/** Description of the harm, for messages. */
const harm: Readonly<Record<UnsafeName, string>> = {
  'insecure-http-parser': '--insecure-http-parser lets one request be read as two',
  'unverified-tls': 'NODE_TLS_REJECT_UNAUTHORIZED=0 lets any server pretend to be the pool',
  inspector: '--inspect shows the credentials of all users to anyone who can reach its port',
};

/** Returns the unsafe settings that are active. */
function unsafeSettings({ nodeFlags, env, inspectorUrl }: Runtime): UnsafeName[] {
  // Spaces separate the flags in NODE_OPTIONS; quotes and backslashes may surround them. Node also
  // accepts _ for - in a flag.
  const inEnvironment = (env['NODE_OPTIONS'] ?? '').replace(/["\\]/g, '').split(/\s+/);
  const flags = [...inEnvironment, ...nodeFlags].map((flag) =>
    flag.replace(/=.*$/s, '').replaceAll('_', '-'),
  );
  const found: UnsafeName[] = [];
  if (flags.includes('--insecure-http-parser')) found.push('insecure-http-parser');
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') found.push('unverified-tls');
  if (inspectorUrl !== undefined || flags.some((flag) => /^--inspect(?:-brk|-wait)?$/.test(flag))) {
    found.push('inspector');
  }
  return found;
}

/**
 * Returns problems that prevent a start, and warnings about settings that are allowed, one line each.
 *
 * @param allowed names from `unsafeNames`, separated by commas
 */
export function checkRuntime(
  runtime: Runtime,
  allowed: string,
): { readonly problems: readonly string[]; readonly warnings: readonly string[] } {
  const names = allowed.split(',').map((name) => name.trim());
  const problems = names
    .filter((name) => name !== '' && !unsafeNames.some((known) => known === name))
    .map((name) => `--allow-unsafe: expected ${unsafeNames.join(', ')}, found ${quoted(name)}`);
  const warnings: string[] = [];
  for (const name of unsafeSettings(runtime)) {
    if (names.includes(name)) warnings.push(`${harm[name]}; allowed by --allow-unsafe`);
    else problems.push(`${harm[name]}; if this is intended, add --allow-unsafe ${name}`);
  }
  return { problems, warnings };
}
