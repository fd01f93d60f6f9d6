/** Opens the file of a recording. A recording of an earlier process continues. */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
} from 'node:fs';
import { traceHeader } from '../core/shadow/trace.ts';

export interface RecordingFile {
  /** Writes go to the end of the file. */
  readonly fd: number;
  /** Size of the content that continues; 0 if the file has no header yet. */
  readonly bytes: number;
  /** The time on the clock of the recording, in ms. It goes on while no process writes. */
  readonly atMs: number;
}

const header = `${traceHeader}\n`;

/** Longer than any two lines of a recording, in bytes. */
const tailBytes = 65_536;

/**
 * Opens a recording, or creates it. The unfinished last line of a crashed process is removed. Another file of this name
 * gets a free name: `FILE.previous`, `FILE.previous-2` and so on.
 *
 * @param nowMs the time of the system, in ms
 * @throws if the file cannot be written
 */
export function openRecording(file: string, nowMs: number): RecordingFile {
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o600);
  try {
    const found = continued(fd, nowMs);
    if (found !== undefined) return { fd, ...found };
    renameSync(file, freeName(`${file}.previous`));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return openRecording(file, nowMs);
}

/** Returns `undefined` for a file that is no recording. */
function continued(fd: number, nowMs: number): Omit<RecordingFile, 'fd'> | undefined {
  const stats = fstatSync(fd);
  if (!stats.isFile()) throw new Error('expected a file, found something else');
  const head = read(fd, 0, header.length);
  if (head !== header) {
    // A crash can also cut the first line.
    if (!header.startsWith(head)) return undefined;
    ftruncateSync(fd, 0);
    return { bytes: 0, atMs: 0 };
  }
  const tail = read(fd, Math.max(0, stats.size - tailBytes), tailBytes);
  const unfinished = tail.length - (tail.lastIndexOf('\n') + 1);
  const bytes = stats.size - unfinished;
  if (unfinished > 0) ftruncateSync(fd, bytes);
  const pausedMs = Math.max(0, nowMs - stats.mtimeMs);
  return { bytes, atMs: lastArrivalMs(tail) + pausedMs };
}

/** Returns the latest arrival in the last lines. Lines are in the order of the ends of calls. */
function lastArrivalMs(tail: string): number {
  const times = tail
    .split('\n')
    .slice(0, -1)
    .map((line) => Number(/^\d{1,12}\.\d{2}(?=,)/.exec(line)?.[0] ?? 0));
  return Math.max(0, ...times);
}

function read(fd: number, at: number, bytes: number): string {
  const buffer = Buffer.alloc(bytes);
  return buffer.toString('latin1', 0, readSync(fd, buffer, 0, bytes, at));
}

function freeName(wanted: string): string {
  let name = wanted;
  for (let n = 2; existsSync(name); n += 1) name = `${wanted}-${n}`;
  return name;
}
