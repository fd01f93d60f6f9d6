/** The report of a run, as text, JSON or Markdown. It contains no name of the pool, of its users or of its servers. */
import type { Verdict } from './check.ts';
import { provedSettings } from './profile.ts';
import type { CheckResult } from './run-checks.ts';

export interface Run {
  readonly results: readonly CheckResult[];
  readonly requests: number;
  readonly bytes: number;
  readonly seconds: number;
  /** The bounds, as a sentence. */
  readonly bounds: string;
}

const marks: Readonly<Record<Verdict, string>> = {
  'as believed': 'ok',
  different: 'DIFFERENT',
  failed: 'FAILED',
  'not known': '-',
};

/** Whether the pool is as the proxy relies on, as far as the checks know. */
export function isAsBelieved(results: readonly CheckResult[]): boolean {
  return results.every(({ verdict }) => verdict === 'as believed' || verdict === 'not known');
}

function summary({ results, requests, bytes, seconds, bounds }: Run): string {
  const count = (verdict: Verdict) => results.filter((result) => result.verdict === verdict).length;
  return (
    `${results.length} checks: ${count('as believed')} as believed, ${count('different')} different, ` +
    `${count('failed')} failed, ${count('not known')} not known. ` +
    `${requests} requests, ${bytes} bytes, ${seconds} s. ${bounds}`
  );
}

/** Returns the settings without the path of a file, which may contain the name of a user. */
function shownSettings(results: readonly CheckResult[]) {
  return Array.from(provedSettings(results), ([key, { value, by }]) => ({
    ...{ key, by },
    value: key === 'upstream.tls.ca' ? 'the file of --ca' : value,
  }));
}

function settingLines(results: readonly CheckResult[]): string[] {
  return shownSettings(results).map(
    ({ key, value, by }) => `${key}: ${JSON.stringify(value)} (${by.join(', ')})`,
  );
}

export function textReport(run: Run): string {
  const lines: string[] = [];
  for (const { check, verdict, seen, means } of run.results) {
    lines.push(`${marks[verdict].padEnd(9)}  ${check.id}: ${check.asks}`);
    lines.push(`           seen: ${seen}`);
    if (verdict === 'different') lines.push(`           believed: ${check.believes}`);
    if (means !== undefined) lines.push(`           ${means}`);
  }
  const settings = settingLines(run.results);
  if (settings.length > 0) lines.push('', 'Settings:', ...settings.map((line) => `  ${line}`));
  return `${lines.join('\n')}\n\n${summary(run)}\n`;
}

export function markdownReport(run: Run): string {
  const rows = run.results.map(({ check, verdict, seen, means = '' }) =>
    [`\`${check.id}\``, check.asks, check.believes, seen, verdict, means].map(cell).join(' | '),
  );
  const settings = settingLines(run.results);
  return [
    '# Verification of a UCWA pool',
    '',
    summary(run),
    '',
    '| check | asked | believed | seen | verdict | means |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
    ...(settings.length > 0
      ? ['', '## Settings', '', ...settings.map((line) => `- \`${line}\``)]
      : []),
    '',
  ].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

export function jsonReport({ results, requests, bytes, seconds, bounds }: Run): string {
  const report = {
    isAsBelieved: isAsBelieved(results),
    requests,
    bytes,
    seconds,
    bounds,
    checks: results.map(({ check: { id, asks, believes }, verdict, seen, means }) => ({
      ...{ id, asks, believes, verdict, seen, means },
    })),
    settings: Object.fromEntries(shownSettings(results).map(({ key, value }) => [key, value])),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
