/**
 * All settings: the one source of keys, defaults, bounds, meanings, flags, environment names, the
 * documentation and the JSON schema. A key that is absent here is an error in a configuration.
 */
import { z } from 'zod';
import {
  address,
  bytes,
  count,
  facts,
  filePath,
  hostName,
  hostPatterns,
  ipRanges,
  milliseconds,
  oneOf,
  origin,
  outputPath,
  pathPatterns,
  yesOrNo,
} from './value-kinds.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const minute = 60_000;

const listen = z
  .strictObject({
    address: address()
      .prefault('127.0.0.1:8080')
      .describe('where clients come')
      .register(facts, { flag: 'listen' }),
    keepAliveTimeoutMs: milliseconds(100, 60 * minute)
      .prefault(75_000)
      .describe(
        'how long an idle client connection is kept; longer than a balancer in front keeps it',
      ),
    headersTimeoutMs: milliseconds(100, 60 * minute)
      .prefault(10_000)
      .describe('the longest that a client may take to send the head of a request'),
    requestTimeoutMs: milliseconds(100, 60 * minute)
      .prefault(60_000)
      .describe('the longest that a client may take to send a whole request'),
    trustedProxies: ipRanges()
      .prefault([])
      .describe('peers whose X-Forwarded-For is believed and sent on'),
    tls: z
      .strictObject({
        cert: filePath().optional().describe('certificate chain to serve clients with; needs key'),
        key: filePath().optional().describe('private key of cert'),
      })
      .prefault({})
      .describe('TLS for clients; none: plain HTTP'),
  })
  .prefault({})
  .describe('the side of the clients');

const admin = z
  .strictObject({
    address: address()
      .prefault('127.0.0.1:9464')
      .describe('where health and metrics are served')
      .register(facts, { flag: 'admin' }),
    hosts: hostPatterns()
      .prefault([])
      .describe(
        'names by which the admin port may be asked, besides addresses and names inside the cluster',
      ),
  })
  .prefault({})
  .describe('the side of the operators');

const upstream = z
  .strictObject({
    url: origin()
      .optional()
      .describe('the pool that all calls go to; serve needs it')
      .register(facts, { flag: 'upstream' }),
    timeoutMs: milliseconds(100, 10 * minute)
      .prefault(30_000)
      .describe('the deadline of a call that may be batched, holds and repeats included'),
    passThroughIdleMs: milliseconds(1000, 60 * minute)
      .prefault(120_000)
      .describe('passed-through traffic ends after so long without a byte; event polls never do'),
    connectTimeoutMs: milliseconds(10, 2 * minute)
      .prefault(3000)
      .describe('the longest that a connection to the pool may take to open'),
    idleTimeoutMs: milliseconds(100, 10 * minute)
      .prefault(15_000)
      .describe('how long an idle connection to the pool is kept; less than the pool keeps it'),
    connectionAuth: oneOf('refuse', 'bind')
      .prefault('refuse')
      .describe(
        'sign-in that the pool keeps on a connection (NTLM, Negotiate); refuse: it is answered with 501; ' +
          'bind: a client that signs in has one connection to the pool of its own, and its calls are ' +
          'not batched there',
      ),
    maxBoundConnections: count(1, 65_535)
      .prefault(2000)
      .describe('the most bound connections to the pool; each belongs to one client connection'),
    boundIdleMs: milliseconds(1000, 60 * minute)
      .prefault(60_000)
      .describe(
        'how long a bound connection is kept without a request; less than the pool keeps it',
      ),
    boundMaxAgeMs: milliseconds(1000, 24 * 60 * minute)
      .prefault(3_600_000)
      .describe('the age at which a bound connection is closed behind an answer'),
    maxConnections: count(1, 65_535)
      .prefault(128)
      .describe(
        'connections for batches and single calls; passed-through traffic has as many of its own',
      ),
    tls: z
      .strictObject({
        ca: filePath()
          .optional()
          .describe("certificate authorities to trust instead of the system's"),
        cert: filePath().optional().describe('client certificate chain; needs key'),
        key: filePath().optional().describe('private key of cert'),
        servername: hostName()
          .optional()
          .describe('the name to ask for and to verify, when it is not the host of upstream.url'),
      })
      .prefault({})
      .describe('TLS towards the pool; only with an https upstream.url'),
  })
  .prefault({})
  .describe('the side of the pool');

const batching = z
  .strictObject({
    mode: oneOf('adaptive', 'fixed', 'off', 'shadow')
      .prefault('adaptive')
      .describe(
        'adaptive: calls are held while a companion is likely; fixed: a window opens with the ' +
          'first call; off: every call goes singly; shadow: as off, and what adaptive would have ' +
          'saved and cost is worked out beside',
      )
      .register(facts, { flag: 'mode' }),
    lingerMaxMs: milliseconds(0, 1000)
      .prefault(15)
      .describe('the longest that a call is held for companions')
      .register(facts, { flag: 'linger' }),
    exchangeRateMs: milliseconds(0, 10_000)
      .prefault(50)
      .describe(
        'what one saved request is worth, in milliseconds that callers wait; adaptive only',
      ),
    maxParts: count(1, 1000)
      .prefault(20)
      .describe('calls in one batch, never more')
      .register(facts, { flag: 'max-parts' }),
    maxBytes: bytes(KiB, 16 * MiB)
      .prefault(256 * KiB)
      .describe('bytes of one batch, never more'),
    maxInFlightPerUser: count(1, 100)
      .prefault(4)
      .describe('batches of one user on the wire at a time; one that takes long does not count'),
    collapse: yesOrNo()
      .prefault(true)
      .describe('whether identical GETs that are held together share a part'),
    never: pathPatterns()
      .prefault([])
      .describe('paths below an application that are not batched; * is one segment, ** any number'),
  })
  .prefault({})
  .describe('how calls become batches');

const limits = z
  .strictObject({
    maxCallBytes: bytes(0, 16 * MiB)
      .prefault(64 * KiB)
      .describe('the largest body of a call that may be batched'),
    maxQueuedCalls: count(1, 1_000_000)
      .prefault(10_000)
      .describe('calls accepted and not yet answered; more are refused'),
    maxQueuedCallsPerUser: count(1, 1_000_000).prefault(500).describe('such calls of one user'),
    maxQueuedBytes: bytes(KiB, 16 * GiB)
      .prefault(64 * MiB)
      .describe('bytes of calls accepted and not yet answered; more are refused'),
    maxQueuedBytesPerUser: bytes(KiB, 16 * GiB)
      .prefault(4 * MiB)
      .describe('such bytes of one user'),
    maxResponseBytes: bytes(KiB, GiB)
      .prefault(8 * MiB)
      .describe("bytes of one batch's answer"),
    maxBufferedResponseBytes: bytes(KiB, 16 * GiB)
      .prefault(64 * MiB)
      .describe("bytes of all batches' answers that are held in memory"),
    maxUsers: count(1, 10_000_000)
      .prefault(50_000)
      .describe('idle users of whom something is remembered'),
    userIdleMs: milliseconds(1000, 24 * 60 * minute)
      .prefault(600_000)
      .describe('how long it is remembered'),
    maxConnections: count(1, 1_000_000)
      .prefault(20_000)
      .describe('client connections; further ones are closed'),
    maxLongPolls: count(1, 1_000_000)
      .prefault(10_000)
      .describe('open polls of `events`, each with a connection to the pool; more are refused'),
    longPollCounts: yesOrNo()
      .prefault(true)
      .describe('whether the pool counts an open poll of `events` as an outstanding call'),
  })
  .prefault({})
  .describe('bounds on what the proxy takes upon itself');

const drain = z
  .strictObject({
    delayMs: milliseconds(0, 10 * minute)
      .prefault(1000)
      .describe('after SIGTERM, how long calls are still taken while readiness is off'),
    timeoutMs: milliseconds(0, 60 * minute)
      .prefault(25_000)
      .describe('after that, the longest that calls under way may take to end'),
  })
  .prefault({})
  .describe('the way out');

const log = z
  .strictObject({
    level: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent')
      .prefault('info')
      .describe('the least severe lines that are written')
      .register(facts, { flag: 'log-level', placeholder: 'LEVEL' }),
    format: oneOf('json').prefault('json').describe('one JSON object a line'),
    access: oneOf('all', 'sampled', 'problems')
      .prefault('problems')
      .describe(
        'which calls get a line; problems: answered 429 or 5xx, refused, or slower than a second',
      ),
  })
  .prefault({})
  .describe('what is written to standard output');

const record = z
  .strictObject({
    file: outputPath()
      .optional()
      .describe('where to note when which calls came, for tune; only in mode off or shadow')
      .register(facts, { flag: 'record' }),
    maxBytes: bytes(KiB, 16 * GiB)
      .prefault(64 * MiB)
      .describe('bytes of that file; then no more is noted'),
  })
  .prefault({})
  .describe('a recording of arrivals, without what they say');

/** Settings as they stand in a file; decoding completes and parses them, encoding undoes it. */
export const settingsSchema = z
  .strictObject({ listen, admin, upstream, batching, limits, drain, log, record })
  .describe('Settings of ucwa-batch-proxy');

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** Settings as the proxy uses them: complete, checked, addresses and ranges parsed. */
export type Settings = DeepReadonly<z.output<typeof settingsSchema>>;
