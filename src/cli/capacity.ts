import { loadSettings } from '../settings/load-settings.ts';
import { quoted } from '../settings/quoted.ts';
import type { Settings } from '../settings/schema.ts';
import type { Census } from './access-logs/census.ts';
import { sniff } from './access-logs/log-files.ts';
import { capacityReport, type Capacity } from './capacity/capacity-report.ts';
import { loadFigures, type LoadFigures } from './capacity/load-figures.ts';
import { readPerfmon } from './capacity/perfmon-csv.ts';
import { assumptions, furtherUsers, type LogFacts, predict } from './capacity/prediction.ts';
import { type Command, exitCode, type GivenArguments, type Io } from './command.ts';
import { defaultMaxCalls, estimateLogs } from './estimate/estimate-logs.ts';
import { grouped } from './estimate/recommendation.ts';
import { settingsSources } from './settings-flags.ts';

/** Shows the load of a front end in the counters of its operators: before, predicted and measured. */
export const capacity: Command = {
  name: 'capacity',
  summary: 'show the load of a front end in PerfMon counters, and how many more users it carries',
  flags: [
    {
      name: 'perfmon',
      placeholder: 'FILE',
      meaning: 'PerfMon CSV file, recorded without the proxy',
    },
    { name: 'after', placeholder: 'FILE', meaning: 'PerfMon CSV file, recorded with the proxy' },
    { name: 'log', placeholder: 'FILE', meaning: 'access log, for the prediction; see tune' },
    { name: 'users', placeholder: 'N', meaning: 'users of the front end (default: from the log)' },
    { name: 'process', placeholder: 'NAME', meaning: 'worker process of UCWA, such as w3wp#2' },
    { name: 'cores', placeholder: 'N', meaning: 'processors (default: those in the file, or 1)' },
    { name: 'config', placeholder: 'FILE', meaning: 'YAML file with the settings to predict' },
    { name: 'json', meaning: 'print the result as JSON' },
  ],
  operands: [],
  notes: `The files are those of PerfMon, relog -f csv and typeperf. Record these counters:
  \\LS:WEB - Throttling and Authentication(*)\\WEB - Total Requests in Processing
  \\ASP.NET\\Requests Queued
  \\Process(w3wp*)\\% Processor Time
and those of UCWA. The busiest server of a file counts.`,
  run,
};

async function run(given: GivenArguments, io: Io): Promise<number> {
  const loaded = loadSettings(settingsSources(given, io));
  const problems = loaded.ok ? [] : [...loaded.problems];
  const numberOf = (name: string): number | undefined => {
    const text = given.flags[name];
    if (text === undefined) return undefined;
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    problems.push(`--${name}: expected a whole number from 1, found ${quoted(text)}`);
    return undefined;
  };
  const cores = numberOf('cores');
  const givenUsers = numberOf('users');
  const figuresOf = (file: string): LoadFigures | undefined => {
    const read = readFigures(file, io);
    if (typeof read === 'string') {
      problems.push(read);
      return undefined;
    }
    const { figures, problem } = loadFigures(read, { process: given.flags['process'], cores });
    if (problem !== undefined) problems.push(`${file}: ${problem}`);
    else if (Object.values(figures).every((figure) => figure === undefined)) {
      problems.push(`${file}: expected counters of LS:WEB, ASP.NET, Process or UCWA, found none`);
    }
    return figures;
  };
  const { perfmon, after, log } = given.flags;
  if (perfmon === undefined) problems.push('expected --perfmon FILE, found nothing');
  const before = perfmon === undefined ? undefined : figuresOf(perfmon);
  const measured = after === undefined ? undefined : figuresOf(after);
  const facts =
    log === undefined || !loaded.ok || problems.length > 0
      ? undefined
      : await readLog(log, loaded.settings, givenUsers, io);
  if (typeof facts === 'string') problems.push(facts);
  for (const problem of problems) io.stderr.write(`${problem}\n`);
  if (problems.length > 0 || before === undefined || typeof facts === 'string') {
    return exitCode.usage;
  }
  const result = capacityOf(before, measured, facts, givenUsers);
  io.stdout.write(
    given.switches.has('json')
      ? `${JSON.stringify({ ...result, assumptions }, null, 2)}\n`
      : capacityReport(result, assumptions),
  );
  return exitCode.ok;
}

function readFigures(file: string, io: Io) {
  try {
    const read = readPerfmon(file, io.readFile(file));
    return read.ok ? read.counters : read.problem;
  } catch (error) {
    return `${file}: cannot be read: ${error instanceof Error ? error.message : 'unknown'}`;
  }
}

/** Returns the facts of an access log, or a problem. @param users the number of users, if the operator gave it */
async function readLog(
  path: string,
  settings: Settings,
  users: number | undefined,
  io: Io,
): Promise<LogFacts | string> {
  const sniffed = await sniff(path, io.openFile);
  if (sniffed.kind === 'problem') return sniffed.problem;
  if (sniffed.kind === 'recording') return `${path}: expected an access log, found a recording`;
  const refuse = ({ applications: { count, isMore } }: Census): string | undefined =>
    isMore && users === undefined
      ? `expected --users, because the log has at least ${grouped(count)} applications`
      : undefined;
  const options = { settings, maxCalls: defaultMaxCalls, open: io.openFile, refuse };
  const read = await estimateLogs([sniffed.file], options);
  if (typeof read === 'string') return `${path}: ${read}`;
  const { census, rows } = read;
  const row = rows.find(({ isGiven }) => isGiven);
  const { calls, polls } = census.counts;
  return {
    savedShare: row?.savedShare ?? { low: 0, high: 0 },
    callShare: calls / Math.max(1, census.requests - polls),
    callTimeShare: census.callMs / Math.max(1, census.requestMs),
    applications: census.applications.count,
  };
}

function capacityOf(
  before: LoadFigures,
  measured: LoadFigures | undefined,
  facts: LogFacts | undefined,
  givenUsers: number | undefined,
): Capacity {
  const predicted = facts === undefined ? undefined : predict(before, facts);
  const users = givenUsers ?? facts?.applications;
  const more = (figures: Pick<LoadFigures, 'processing' | 'cpuPercent'>): number | undefined =>
    users === undefined ? undefined : furtherUsers(users, figures);
  const atBound = (bound: 'low' | 'high'): number | undefined =>
    more({
      processing: predicted?.processing?.[bound],
      cpuPercent: predicted?.cpuPercent?.[bound],
    });
  const [least, most] = [atBound('high'), atBound('low')];
  return {
    users,
    before: { ...before, furtherUsers: more(before) },
    predicted: predicted && {
      ...predicted,
      furtherUsers:
        least === undefined || most === undefined ? undefined : { low: least, high: most },
    },
    measured: measured && { ...measured, furtherUsers: more(measured) },
  };
}
