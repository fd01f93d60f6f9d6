/** The formats of the log. Each line is created as JSON, and then rendered in the format of the setting. */

/** Setting `log.format`. */
export type LogFormat = 'json' | 'text' | 'w3c';

/** A line of the log, parsed. Other fields are the facts of the message. */
interface Line {
  readonly level: string;
  readonly time?: string;
  readonly msg: string;
  readonly [fact: string]: unknown;
}

/** Returns a function that renders lines. It receives each line as JSON, with a line feed at the end. */
export function renderer(format: LogFormat): (line: string) => string {
  if (format === 'json') return (line) => line;
  const render = format === 'text' ? textLine : w3cRenderer();
  return (line) => `${render(JSON.parse(line) as Line)}\n`;
}

/** `2026-11-30T10:00:00.000Z INFO  call method=GET route="/ucwa/…"` */
function textLine({ level, time = '', msg, ...facts }: Line): string {
  return [time, level.toUpperCase().padEnd(5), msg, ...pairs(facts)].join(' ').trim();
}

function pairs(facts: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(facts).map(([name, value]) => `${name}=${plain(value)}`);
}

/** A text without spaces, quotes and `=` as it is; other texts and values as JSON. */
function plain(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

/** Fields of the W3C format, each with the fact of an access line that it shows. */
const w3cFields: ReadonlyArray<readonly [string, string]> = [
  ['cs-method', 'method'],
  ['cs-uri-stem', 'route'],
  ['sc-status', 'status'],
  ['time-taken', 'ms'],
  ['x-via', 'via'],
  ['x-user', 'user'],
  ['x-id', 'id'],
  ['x-batch', 'batch'],
  ['x-parts', 'parts'],
  ['x-position', 'position'],
  ['x-attempts', 'attempts'],
  ['x-hold', 'hold'],
  ['x-order', 'order'],
  ['x-pause', 'pause'],
  ['x-limit', 'limit'],
  ['x-slots', 'slots'],
  ['x-server', 'server'],
  ['x-passed', 'passed'],
  ['x-reason', 'reason'],
];

/**
 * Renders the W3C extended log file format (https://www.w3.org/TR/WD-logfile), as IIS writes it. Times are UTC,
 * `time-taken` is in ms. Each call is a line; each other message is a `#Remark`.
 */
function w3cRenderer(): (line: Line) => string {
  let isFirst = true;
  return (line) => {
    const head = isFirst ? w3cHead(line.time ?? '') : '';
    isFirst = false;
    return head + (line.msg === 'call' ? w3cCall(line) : w3cRemark(line));
  };
}

function w3cHead(time: string): string {
  const [day, clock] = w3cTime(time);
  const names = ['date', 'time', ...w3cFields.map(([name]) => name)].join(' ');
  return `#Software: ucwa-batch-proxy\n#Version: 1.0\n#Date: ${day} ${clock}\n#Fields: ${names}\n`;
}

function w3cCall(line: Line): string {
  const values = w3cFields.map(([name, fact]) => w3cValue(name, line[fact]));
  return [...w3cTime(line.time ?? ''), ...values].join(' ');
}

/** A missing value is `-`. Times are whole numbers, as in logs of IIS. */
function w3cValue(name: string, value: unknown): string {
  if (typeof value === 'number') return String(name === 'time-taken' ? Math.round(value) : value);
  return typeof value === 'string' && value !== '' ? value.replace(/\s/g, '+') : '-';
}

function w3cRemark(line: Line): string {
  return `#Remark: ${textLine(line)}`;
}

/** `2026-11-30T10:00:00.123Z` as date and time. */
function w3cTime(time: string): readonly [string, string] {
  return [time.slice(0, 10), time.slice(11, 19)];
}
