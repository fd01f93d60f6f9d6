/** The figures by which operators judge the load of a front end. */
import type { CounterSamples } from './perfmon-csv.ts';

/** The limits that Microsoft documents for the web components of a front end. */
export const limits = { processing: 10_000, cpuPercent: 15, queued: 0, throttled: 0 } as const;

/** The figures of one file, each for the busiest front end; `undefined` if the file lacks the counter. */
export interface LoadFigures {
  /** 95th percentile of the requests in processing. */
  readonly processing: number | undefined;
  /** Mean share of the processors that UCWA uses, in percent. */
  readonly cpuPercent: number | undefined;
  /** 95th percentile of the queued requests. */
  readonly queued: number | undefined;
  /** The growth of the number of throttled applications. */
  readonly throttled: number | undefined;
  /** Mean number of UCWA requests a second. */
  readonly perSecond: number | undefined;
  /** Mean number of polls that wait. */
  readonly polls: number | undefined;
}

export interface FigureOptions {
  /** Instance of the worker process of UCWA, such as `w3wp#2`. */
  readonly process: string | undefined;
  /** Number of processors, if the operator named it. */
  readonly cores: number | undefined;
}

const queuedNames =
  /^(?:Requests Queued|Anforderungen in (?:der )?Warteschlange|Demandes (?:en|dans la) file d.attente)$/i;
const processObject = /^(?:Process|Prozess|Processus|Proceso|Processo)$/i;
const processorObject =
  /^(?:Processor|Prozessor|Processeur|Procesador|Processore)(?: Information)?$/i;
const processorTime = /^(?:% Processor Time|Prozessorzeit \(%\)|% temps processeur)$/i;

/** Returns the figures, or why they are ambiguous. */
export function loadFigures(
  counters: readonly CounterSamples[],
  { process, cores }: FigureOptions,
): { readonly figures: LoadFigures; readonly problem: string | undefined } {
  const named = (name: RegExp) => counters.filter(({ counter }) => name.test(counter));
  const workers = counters.filter(
    ({ object, instance, counter }) =>
      processObject.test(object) &&
      /^w3wp(?:#\d+)?$/i.test(instance) &&
      processorTime.test(counter),
  );
  const chosen =
    process === undefined
      ? workers
      : workers.filter(({ instance }) => instance.toLowerCase() === process.toLowerCase());
  const instances = new Set(chosen.map(({ instance }) => instance.toLowerCase()));
  const isProcess = process === undefined || chosen.length > 0;
  const problem = !isProcess
    ? `--process: expected a worker process of the file, found none with this name`
    : instances.size > 1
      ? `expected one worker process (w3wp), found ${instances.size}: name that of UCWA with --process`
      : undefined;
  const cpu = busiest(chosen, mean);
  return {
    problem,
    figures: {
      processing: busiest(named(/Total Requests in Processing$/i), highQuantile),
      cpuPercent: cpu === undefined ? undefined : cpu / (cores ?? coresIn(counters) ?? 1),
      queued: busiest(
        named(queuedNames).filter(({ object }) => /^ASP\.NET/i.test(object)),
        highQuantile,
      ),
      throttled: busiest(named(/Total Throttled Applications$/i), growth),
      perSecond: busiest(
        named(/Requests Received\/Second$/i).filter(({ object }) => /UCWA/i.test(object)),
        mean,
      ),
      polls: busiest(named(/Active Pending Get Count$/i), mean),
    },
  };
}

/** Returns the number of processors with counters of their own, or `undefined` without one. */
export function coresIn(counters: readonly CounterSamples[]): number | undefined {
  const instances = counters
    .filter(
      ({ object, instance }) => processorObject.test(object) && /^(?:\d+,)?\d+$/.test(instance),
    )
    .map(({ instance }) => instance);
  return instances.length === 0 ? undefined : new Set(instances).size;
}

function busiest(
  counters: readonly CounterSamples[],
  value: (values: readonly number[]) => number,
): number | undefined {
  const all = counters.filter(({ values }) => values.length > 0).map(({ values }) => value(values));
  return all.length === 0 ? undefined : Math.max(...all);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function highQuantile(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
}

/** Returns the growth of a counter that starts again from 0 when its process restarts. */
function growth(values: readonly number[]): number {
  return values.reduce((sum, value, index) => {
    const before = values[index - 1] ?? value;
    return sum + (value >= before ? value - before : value);
  }, 0);
}
