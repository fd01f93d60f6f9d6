/**
 * Lines of the W3C extended log format, as IIS writes them. A `#Fields` line names the fields of the lines
 * after it, and may appear again in mid-file. `date` and `time` are the end of the request in UTC, in whole
 * seconds. `time-taken` is the duration in ms.
 */
import { type LineReader, type LogRequest, withinDate } from './log-request.ts';

const needed = ['time', 'cs-method', 'cs-uri-stem', 'sc-status', 'time-taken'] as const;
/** Results of Windows for a connection that the client closed. */
const clientLeft = new Set(['64', '1236']);
const resolutionMs = 1000;

export class IisLines implements LineReader {
  #columns: ReadonlyMap<string, number> | undefined;
  #fieldCount = 0;
  #missing: readonly string[] = [];
  #directiveDate = '';
  #date = '';
  #dateMs = NaN;

  read(line: string): LogRequest | 'none' | undefined {
    if (line.startsWith('#')) {
      this.#readDirective(line);
      return 'none';
    }
    if (line === '') return 'none';
    const columns = this.#columns;
    if (columns === undefined) return undefined;
    const fields = line.split(' ');
    if (fields.length !== this.#fieldCount) return undefined;
    const field = (name: string): string => fields[columns.get(name) ?? -1] ?? '-';
    const endMs = this.#timeMs(field('date'), field('time'));
    const tookMs = Number(field('time-taken'));
    const status = Number(field('sc-status'));
    if (!Number.isFinite(endMs) || !(tookMs >= 0) || !(status >= 0 && status < 1000)) {
      return undefined;
    }
    const query = field('cs-uri-query');
    const stem = field('cs-uri-stem');
    const sizeBytes = Number(field('cs-bytes'));
    return withinDate({
      loggedMs: endMs,
      // `time-taken` is cut to whole milliseconds.
      earliestMs: endMs - tookMs - 1,
      latestMs: endMs - tookMs + resolutionMs,
      tookMs,
      method: field('cs-method'),
      target: query === '-' ? stem : `${stem}?${query}`,
      status: clientLeft.has(field('sc-win32-status')) ? 0 : status,
      sizeBytes: sizeBytes >= 0 ? sizeBytes : 0,
    });
  }

  problem(): string | undefined {
    if (this.#missing.length > 0) {
      return `#Fields: expected ${needed.join(', ')}, found no ${this.#missing.join(', ')}`;
    }
    return this.#columns === undefined ? 'expected a line #Fields, found none' : undefined;
  }

  #readDirective(line: string): void {
    const [, name = '', value = ''] = /^#(\w+):\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === 'Date') this.#directiveDate = value.slice(0, 10);
    if (name !== 'Fields') return;
    const names = value.split(/\s+/);
    const columns = new Map(names.map((field, index) => [field.toLowerCase(), index]));
    const missing = needed.filter((field) => !columns.has(field));
    this.#fieldCount = names.length;
    this.#columns = missing.length === 0 ? columns : undefined;
    this.#missing = missing;
  }

  #timeMs(date: string, time: string): number {
    const day = date === '-' ? this.#directiveDate : date;
    if (day !== this.#date) {
      this.#date = day;
      this.#dateMs = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : NaN;
    }
    const found = /^(\d\d):(\d\d):(\d\d)$/.exec(time);
    if (found === null) return NaN;
    const [, hours, minutes, seconds] = found;
    return this.#dateMs + ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  }
}
