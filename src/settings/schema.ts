/**
 * All settings, with their keys, defaults, bounds, meanings and flags. The names of environment
 * variables, the documentation and the JSON schema derive from this file. A configuration with a key
 * that is not here is refused.
 */
import * as z from 'zod';
import { log, record, trace } from './output-schema.ts';
import {
  address,
  bytes,
  count,
  facts,
  filePath,
  hostPatterns,
  ipRanges,
  milliseconds,
  oneOf,
  pathPatterns,
  plainFilePath,
  share,
  yesOrNo,
} from './value-kinds.ts';
import { pools, upstream } from './upstream-schema.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const minute = 60_000;

const listen = z
  .strictObject({
    address: address()
      .prefault('127.0.0.1:8080')
      .describe('address and port for clients')
      .register(facts, { flag: 'listen' }),
    plain: address()
      .optional()
      .describe(
        'address and port of a second listener, for plain HTTP. It redirects to https. A request to a pool with plainServers passes to them instead',
      ),
    http2: yesOrNo()
      .prefault(true)
      .describe(
        'whether clients may use HTTP/2; only with TLS, which negotiates the version, and from Node 24 on',
      ),
    h2c: yesOrNo()
      .prefault(false)
      .describe(
        'whether clients may use HTTP/2 without TLS, with prior knowledge; for a balancer in front',
      ),
    keepAliveTimeoutMs: milliseconds(100, 60 * minute)
      .prefault(75_000)
      .describe(
        'time until an idle client connection is closed; must be longer than that of a balancer in front',
      ),
    headersTimeoutMs: milliseconds(100, 60 * minute)
      .prefault(10_000)
      .describe('maximum time for a client to send the head of a request'),
    requestTimeoutMs: milliseconds(100, 60 * minute)
      .prefault(60_000)
      .describe(
        'time for the first 64 KiB of a body, and time without a byte after them; then 408',
      ),
    compress: oneOf('auto', 'off')
      .prefault('auto')
      .describe(
        'auto: answers of more than 1 KiB in JSON, XML or text are sent with gzip or br to clients that accept it, if the pool has not done so. off: answers keep the bytes of the pool',
      ),
    trustedProxies: ipRanges()
      .prefault([])
      .describe(
        'addresses of proxies in front. Their X-Forwarded-For, -Proto, -Host and Forwarded are sent to the pool; ' +
          'the proxy describes all other clients itself',
      ),
    tls: z
      .strictObject({
        cert: filePath()
          .optional()
          .describe('file with the certificate chain that clients see; needs key'),
        key: filePath().optional().describe('file with the private key of cert'),
        certs: z
          .array(
            z.strictObject({
              cert: filePath().describe(
                'file with a further certificate chain, for clients that ask for one of its DNS names (SNI)',
              ),
              key: filePath().describe('file with the private key of that cert'),
            }),
          )
          .prefault([])
          .describe('further certificates; listen.tls.cert is for all other clients'),
      })
      .prefault({})
      .describe('TLS for clients; without cert and key: plain HTTP'),
  })
  .prefault({})
  .describe('connections from clients');

const admin = z
  .strictObject({
    address: address()
      .prefault('127.0.0.1:9464')
      .describe('address and port for health checks and metrics')
      .register(facts, { flag: 'admin' }),
    hosts: hostPatterns()
      .prefault([])
      .describe(
        'further host names that requests to the admin port may use; IP addresses and names inside the cluster always work',
      ),
    tokenFile: plainFilePath()
      .optional()
      .describe(
        'file with the token for requests that change something (POST /batching, POST /log), at least 16 bytes; without it, none is possible',
      ),
    readyNeedsPool: yesOrNo()
      .prefault(false)
      .describe(
        'whether /readyz answers 503 while a pool cannot be reached. With it, an outage of the pool takes all replicas out of their balancer at once',
      ),
  })
  .prefault({})
  .describe('the admin port: health checks and metrics');

const batching = z
  .strictObject({
    mode: oneOf('adaptive', 'fixed', 'off', 'shadow')
      .prefault('adaptive')
      .describe(
        'when calls are held to form a batch. adaptive: while another call is likely to come soon. ' +
          'fixed: always, for lingerMaxMs. off: never; each call is sent by itself. ' +
          'shadow: never; metrics show what adaptive would save and cost',
      )
      .register(facts, { flag: 'mode' }),
    share: share()
      .prefault(1)
      .describe(
        'share of users with batches, chosen by a hash; calls of the other users are sent one by one, and writes keep their order',
      ),
    verify: share()
      .prefault(0)
      .describe(
        'share of batched GETs that are also sent directly, twice, to compare the answers; a route with other answers in batches leaves them. 0.001 is enough',
      ),
    lingerMaxMs: milliseconds(0, 1000)
      .prefault(15)
      .describe('maximum time that a call is held for other calls to join its batch')
      .register(facts, { flag: 'linger' }),
    exchangeRateMs: milliseconds(0, 10_000)
      .prefault(50)
      .describe(
        'milliseconds of waiting that one saved request is worth; larger values make larger batches; only in mode adaptive',
      ),
    maxParts: count(1, 1000)
      .prefault(20)
      .describe('maximum number of calls in a batch')
      .register(facts, { flag: 'max-parts' }),
    maxBytes: bytes(KiB, 16 * MiB)
      .prefault(256 * KiB)
      .describe('maximum size of the body of a batch'),
    maxInFlightPerUser: count(1, 100)
      .prefault(4)
      .describe(
        'maximum number of batches of one user that the pool works on at a time; late batches do not count',
      ),
    collapse: yesOrNo()
      .prefault(true)
      .describe('whether identical GETs of a user share one part of a batch while they are held'),
    holdEvents: yesOrNo()
      .prefault(true)
      .describe(
        'whether the proxy delays events of an operation until its POST is answered, for at most 2 s',
      ),
    eventPriming: oneOf('off', 'hold', 'ask')
      .prefault('off')
      .describe(
        'what the proxy does with the GETs that follow an event. off: nothing. ' +
          'hold: it holds them until the last expected one has come, for at most lingerMaxMs. ' +
          'ask: it also sends those that are almost certain to come before the client does',
      ),
    never: pathPatterns()
      .prefault([])
      .describe(
        'paths below an application that are never batched; * is one segment, ** any number',
      ),
  })
  .prefault({})
  .describe('how calls become batches');

const limits = z
  .strictObject({
    maxCallBytes: bytes(0, 16 * MiB)
      .prefault(64 * KiB)
      .describe('maximum body of a batchable call; larger calls pass through'),
    maxQueuedCalls: count(1, 1_000_000)
      .prefault(10_000)
      .describe('maximum number of calls that wait for an answer; more are refused with 503'),
    maxQueuedCallsPerUser: count(1, 1_000_000)
      .prefault(500)
      .describe(
        'maximum number of calls of one user that wait for an answer; more are refused with 429',
      ),
    maxQueuedBytes: bytes(KiB, 16 * GiB)
      .prefault(64 * MiB)
      .describe('maximum size of all calls that wait for an answer; more are refused with 503'),
    maxQueuedBytesPerUser: bytes(KiB, 16 * GiB)
      .prefault(4 * MiB)
      .describe(
        'maximum size of all calls of one user that wait for an answer; more are refused with 429',
      ),
    maxResponseBytes: bytes(KiB, GiB)
      .prefault(8 * MiB)
      .describe('maximum size of the answer to one batch'),
    maxBufferedResponseBytes: bytes(KiB, 16 * GiB)
      .prefault(64 * MiB)
      .describe('maximum size of all answers to batches in memory'),
    maxUsers: count(1, 10_000_000)
      .prefault(50_000)
      .describe(
        'maximum number of idle users that the proxy remembers (learned limits, timing of calls)',
      ),
    userIdleMs: milliseconds(1000, 24 * 60 * minute)
      .prefault(600_000)
      .describe('time until an idle user is forgotten'),
    maxConnections: count(1, 1_000_000)
      .prefault(20_000)
      .describe('maximum number of client connections; further ones are closed at once'),
    maxLongPolls: count(1, 1_000_000)
      .prefault(10_000)
      .describe(
        'maximum number of open polls of `events`, each with its own connection to the pool; more are refused with 503',
      ),
    longPollCounts: yesOrNo()
      .prefault(true)
      .describe(
        'whether the pool counts an open poll of `events` as an outstanding call of the user',
      ),
  })
  .prefault({})
  .describe('bounds on memory and connections');

const drain = z
  .strictObject({
    delayMs: milliseconds(0, 10 * minute)
      .prefault(1000)
      .describe('time after SIGTERM in which the proxy is not ready but still takes new calls'),
    timeoutMs: milliseconds(0, 60 * minute)
      .prefault(25_000)
      .describe('maximum time after delayMs for open calls to end'),
  })
  .prefault({})
  .describe('shutdown after SIGTERM');

/**
 * The schema of a settings file. Decoding adds defaults, and parses addresses and ranges. Encoding
 * turns parsed values into text again.
 */
export const settingsSchema = z
  .strictObject({ listen, admin, upstream, pools, batching, limits, drain, log, trace, record })
  .describe('Settings of ucwa-batch-proxy');

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** Checked settings with all defaults; addresses and ranges are parsed. */
export type Settings = DeepReadonly<z.output<typeof settingsSchema>>;
