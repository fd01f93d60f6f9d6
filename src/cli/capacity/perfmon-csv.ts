/** CSV files of PerfMon, relog and typeperf: one column for each counter, and one row for each sample. */

/** The samples of one counter. Samples that are missing are left out. */
export interface CounterSamples {
  /** Computer, in lower case. */
  readonly computer: string;
  /** Object without its instance: `ASP.NET`. */
  readonly object: string;
  readonly instance: string;
  readonly counter: string;
  readonly values: readonly number[];
}

export type ReadPerfmon =
  | { readonly ok: true; readonly counters: readonly CounterSamples[]; readonly samples: number }
  | { readonly ok: false; readonly problem: string };

/** Splits `\\SERVER\Object(instance)\Counter`. An instance may hold backslashes and parentheses. */
const counterPath = /^(?:\\\\([^\\]+))?\\([^\\(]+)(?:\((.*)\))?\\([^\\]+)$/;

/** Reads a CSV file. @param file its name, for the problem */
export function readPerfmon(file: string, text: string): ReadPerfmon {
  const [head = '', ...rows] = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((row) => row !== '');
  const separator = /^"[^"]*"([,;\t])/.exec(head)?.[1];
  const names = separator === undefined ? [] : fieldsOf(head, separator);
  const paths = names.slice(1).map((name) => counterPath.exec(name));
  if (separator === undefined || paths.every((path) => path === null)) {
    return {
      ok: false,
      problem: `${file}:1: expected the header of a PerfMon CSV file, such as "(PDH-CSV 4.0)","\\\\SERVER\\ASP.NET\\Requests Queued"`,
    };
  }
  const values = paths.map((): number[] => []);
  for (const row of rows) {
    const fields = fieldsOf(row, separator);
    // typeperf ends with lines of text.
    if (fields.length < names.length) continue;
    values.forEach((column, index) => {
      const value = numberOf(fields[index + 1] ?? '');
      if (value !== undefined) column.push(value);
    });
  }
  const counters = paths.flatMap((path, index): CounterSamples[] => {
    if (path === null) return [];
    const [, computer = '', object = '', instance = '', counter = ''] = path;
    const column = values[index] ?? [];
    return [{ computer: computer.toLowerCase(), object, instance, counter, values: column }];
  });
  const samples = Math.max(...values.map(({ length }) => length));
  if (samples === 0) return { ok: false, problem: `${file}: expected samples, found none` };
  return { ok: true, counters, samples };
}

function fieldsOf(row: string, separator: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= row.length;) {
    let field = '';
    if (row[at] === '"') {
      for (at += 1; at < row.length; at += 1) {
        if (row[at] !== '"') field += row[at] ?? '';
        else if (row[at + 1] === '"') field += row[(at += 1)] ?? '';
        else break;
      }
      at += 1;
    }
    const end = row.indexOf(separator, at);
    field += row.slice(at, end === -1 ? undefined : end);
    fields.push(field);
    at = end === -1 ? row.length + 1 : end + 1;
  }
  return fields;
}

/** Reads a number with a point or a comma before the decimals. `undefined`: the sample is missing. */
function numberOf(text: string): number | undefined {
  const digits = text.replace(/[\s\u00A0\u202F']/g, '');
  const decimal = Math.max(digits.lastIndexOf('.'), digits.lastIndexOf(','));
  const whole = decimal === -1 ? digits : digits.slice(0, decimal).replace(/[.,]/g, '');
  const plain = decimal === -1 ? whole : `${whole}.${digits.slice(decimal + 1)}`;
  return /^-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$/.test(plain) ? Number(plain) : undefined;
}
