/**
 * Settings of Node, not ours, under which no promise of ours holds: whoever starts the proxy with one
 * must say that it is meant.
 */

import { quoted } from '../settings/quoted.ts';

/** What `--allow-unsafe` takes. */
export const unsafeNames = ['insecure-http-parser', 'unverified-tls', 'inspector'] as const;
type UnsafeName = (typeof unsafeNames)[number];

/** The process, as far as such settings are seen in it. */
export interface Runtime {
  /** Flags of Node on the command line. */
  readonly nodeFlags: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where an inspector listens already. */
  readonly inspectorUrl: string | undefined;
}

/** What each does, as messages say it. */
const harm: Readonly<Record<UnsafeName, string>> = {
  'insecure-http-parser': '--insecure-http-parser lets one request be read as two',
  'unverified-tls': 'NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody pose as the pool',
  inspector: '--inspect shows the credentials of all users to whoever can reach its port',
};

/** Those that are in force. */
function unsafeSettings({ nodeFlags, env, inspectorUrl }: Runtime): UnsafeName[] {
  // NODE_OPTIONS has blanks between flags, and quotes and backslashes around them; a flag may have _ for -.
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
 * What stands against a start, and what is to be said of one all the same, a line each.
 *
 * @param allowed names from `unsafeNames`, separated by commas
 */
export function judgeRuntime(
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
    else problems.push(`${harm[name]}; if that is meant, say --allow-unsafe ${name}`);
  }
  return { problems, warnings };
}
