import type { Settings } from './schema.ts';

/** What the process may use. */
export interface Resources {
  /** V8's limit of the heap. */
  readonly heapBytes: number;
  /** Open files that the process may have, sockets included; `undefined` where nobody knows. */
  readonly openFiles: number | undefined;
}

/** Descriptors for all that is neither a client nor the pool: the admin port may have 128 for a moment. */
const spareFiles = 160;
const heapShare = 4;
/** Of the heap for each kind of what is counted and not weighed, and what one of it takes (measured). */
const countedShare = 8;
const bytesEach = {
  queuedCall: 6 * 1024,
  connection: 4 * 1024,
  longPoll: 16 * 1024,
  boundConnection: 16 * 1024,
  user: 2 * 1024,
};

/**
 * Limits that the machine cannot hold, made smaller: bytes of waiting calls and of answers to a
 * quarter of the heap each; calls, connections, polls, bound connections and remembered users to what an
 * eighth of it holds of each; client connections, and the connections to the pool of polls and of bound clients, in their
 * proportion, to the open files that the pool's other connections leave over.
 */
export function fitLimits(
  settings: Settings,
  resources: Resources,
): { readonly settings: Settings; readonly notes: readonly string[] } {
  const notes: string[] = [];
  const shrunk = (key: string, wanted: number, most: number, why: string): number => {
    if (wanted <= most) return wanted;
    notes.push(`${key} is ${most} instead of ${wanted}: ${why}`);
    return most;
  };
  const { limits, upstream } = settings;
  const heapBytes = Math.floor(resources.heapBytes / heapShare);
  const heapWhy = 'a quarter of the heap';
  const files =
    resources.openFiles === undefined
      ? Infinity
      : resources.openFiles - 2 * upstream.maxConnections - spareFiles;
  const filesWhy = 'the open-files limit of the process';
  const maxBound = upstream.connectionAuth === 'bind' ? upstream.maxBoundConnections : 0;
  const filesShare = Math.min(1, files / (limits.maxConnections + limits.maxLongPolls + maxBound));
  const fittingFiles = (wanted: number): number => Math.max(1, Math.floor(wanted * filesShare));
  const holds = (each: number): number =>
    Math.max(1, Math.floor(resources.heapBytes / countedShare / each));
  const holdsWhy = 'an eighth of the heap';
  /** Of what needs an open file. */
  const counted = (key: string, wanted: number, each: number): number => {
    const most = Math.min(fittingFiles(wanted), holds(each));
    return shrunk(key, wanted, most, most === holds(each) ? holdsWhy : filesWhy);
  };
  const maxQueuedCalls = shrunk(
    'limits.maxQueuedCalls',
    limits.maxQueuedCalls,
    holds(bytesEach.queuedCall),
    holdsWhy,
  );
  const maxQueuedBytes = shrunk('limits.maxQueuedBytes', limits.maxQueuedBytes, heapBytes, heapWhy);
  return {
    settings: {
      ...settings,
      limits: {
        ...limits,
        maxQueuedCalls,
        maxQueuedCallsPerUser: Math.min(limits.maxQueuedCallsPerUser, maxQueuedCalls),
        maxQueuedBytes,
        maxQueuedBytesPerUser: Math.min(limits.maxQueuedBytesPerUser, maxQueuedBytes),
        maxBufferedResponseBytes: shrunk(
          'limits.maxBufferedResponseBytes',
          limits.maxBufferedResponseBytes,
          heapBytes,
          heapWhy,
        ),
        maxConnections: counted(
          'limits.maxConnections',
          limits.maxConnections,
          bytesEach.connection,
        ),
        maxLongPolls: counted('limits.maxLongPolls', limits.maxLongPolls, bytesEach.longPoll),
        maxUsers: shrunk('limits.maxUsers', limits.maxUsers, holds(bytesEach.user), holdsWhy),
      },
      upstream: {
        ...upstream,
        ...(maxBound > 0 && {
          maxBoundConnections: counted(
            'upstream.maxBoundConnections',
            maxBound,
            bytesEach.boundConnection,
          ),
        }),
      },
    },
    notes,
  };
}
