/** The formats of access logs, and how a file shows which one it has. */
import { traceHeader } from '../../core/shadow/trace.ts';
import { IisLines } from './iis-log.ts';
import type { LineReader } from './log-request.ts';
import { envoyLines, haproxyLines, nginxLines } from './proxy-logs.ts';

const readers = {
  iis: (): LineReader => new IisLines(),
  nginx: nginxLines,
  haproxy: haproxyLines,
  envoy: envoyLines,
} satisfies Record<string, () => LineReader>;

export type LogFormat = keyof typeof readers;

export const logFormats = Object.keys(readers) as LogFormat[];

/** Names of the formats, for people. */
export const formatNames: Record<LogFormat, string> = {
  iis: 'IIS',
  nginx: 'nginx',
  haproxy: 'HAProxy',
  envoy: 'Envoy',
};

export function lineReader(format: LogFormat): LineReader {
  return readers[format]();
}

/** Returns the format of a file from its first lines; `'recording'` for a recording of the proxy. */
export function recognizeFormat(lines: readonly string[]): LogFormat | 'recording' | undefined {
  if (lines[0]?.trim() === traceHeader) return 'recording';
  if (lines.some((line) => line.startsWith('#Fields:'))) return 'iis';
  for (const line of lines) {
    for (const format of ['haproxy', 'envoy', 'nginx'] as const) {
      const request = readers[format]().read(line);
      if (request !== undefined && request !== 'none') return format;
    }
  }
  return undefined;
}
