import { plainServerConnections } from './plain-servers.ts';
import { poolsOf } from './pools.ts';
import type { Settings } from './schema.ts';

/** Memory and files that the process may use. */
export interface Resources {
  /** V8's heap limit, in bytes. */
  readonly heapBytes: number;
  /** Maximum number of open files, including sockets; `undefined` if the system does not report it. */
  readonly openFiles: number | undefined;
}

/** Open files for everything else; the admin port alone can briefly have 128 connections. */
const spareFiles = 160;
/** Large bodies have connections of their own: this share of the limit of a plain server. */
const largeShare = 1 / 4;
const filesWhy = 'the open-files limit of the process';
const heapShare = 4;
/** Each limit on a number of items may fill an eighth of the heap. */
const countedShare = 8;
/** Heap that one item takes, in bytes (measured). */
const bytesEach = {
  queuedCall: 6 * 1024,
  connection: 4 * 1024,
  longPoll: 16 * 1024,
  boundConnection: 16 * 1024,
  user: 2 * 1024,
};

/** The settings, with limits that fit the process. */
export interface FittedLimits {
  readonly settings: Settings;
  /** One note for each limit that the sources of the settings give, and that is lowered. */
  readonly notes: readonly string[];
  /** The defaults that are lowered, by key. */
  readonly lowered: Readonly<Record<string, number>>;
}

/**
 * Lowers limits that exceed the resources of the process. A lowered default is no news, so it gets no note.
 *
 * - Bytes of waiting calls, and bytes of answers: at most a quarter of the heap each.
 * - Calls, connections, polls, bound connections and idle users: at most an eighth of the heap each.
 * - Client connections, polls and bound connections share the open files in proportion to their
 *   limits. The other connections to the pools, and to their plain servers, are subtracted first.
 *
 * @param isGiven whether a source of the settings gives the key
 */
export function fitLimits(
  settings: Settings,
  resources: Resources,
  isGiven: (key: string) => boolean,
): FittedLimits {
  const notes: string[] = [];
  const lowered: Record<string, number> = {};
  const shrunk = (key: string, wanted: number, most: number, why: string): number => {
    if (wanted <= most) return wanted;
    if (isGiven(key)) {
      const advice = why === filesWhy ? '; raise it with ulimit -n, or lower the setting' : '';
      notes.push(`${key} is lowered from ${wanted} to ${most}, to fit ${why}${advice}`);
    } else lowered[key] = most;
    return most;
  };
  const { limits, listen, upstream } = settings;
  const pools = poolsOf(settings);
  // Without a pool the limits are those for one.
  const modes =
    pools.length === 0 ? [upstream.connectionAuth] : pools.map((pool) => pool.connectionAuth);
  const plainModes = (listen.plain === undefined ? [] : pools).flatMap((pool) =>
    pool.plainServers.map(() => pool.connectionAuth),
  );
  const plain = plainServerConnections(upstream.maxConnections);
  const plainFiles = plainModes.length * (plain + Math.ceil(plain * largeShare));
  const heapBytes = Math.floor(resources.heapBytes / heapShare);
  const heapWhy = 'a quarter of the heap';
  const files =
    resources.openFiles === undefined
      ? Infinity
      : resources.openFiles - 2 * modes.length * upstream.maxConnections - plainFiles - spareFiles;
  // Each plain server has its own limit of bound connections too.
  const binding = [...modes, ...plainModes].filter((mode) => mode === 'bind').length;
  const maxBound = binding === 0 ? 0 : upstream.maxBoundConnections;
  const filesShare = Math.min(
    1,
    files / (limits.maxConnections + limits.maxLongPolls + binding * maxBound),
  );
  const fittingFiles = (wanted: number): number => Math.max(1, Math.floor(wanted * filesShare));
  const holds = (each: number): number =>
    Math.max(1, Math.floor(resources.heapBytes / countedShare / each));
  const holdsWhy = 'an eighth of the heap';
  /** Fits a limit on items that each have an open file and a share of the heap. */
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
            binding * bytesEach.boundConnection,
          ),
        }),
      },
    },
    notes,
    lowered,
  };
}
