/** The settings of pools and of the connections to them: the sections `upstream` and `pools`. */
import * as z from 'zod';
import { plainServerFields } from './plain-servers.ts';
import { serversFields } from './servers-schema.ts';
import {
  count,
  facts,
  filePath,
  hostName,
  milliseconds,
  oneOf,
  origin,
  origins,
  poolHosts,
  shortName,
  yesOrNo,
} from './value-kinds.ts';

const minute = 60_000;

const connectionAuth = () => oneOf('refuse', 'bind');

const poolTls = (serverName: string) =>
  z
    .strictObject({
      ca: filePath()
        .optional()
        .describe(
          "file with the certificate authorities to trust for the pool, instead of the system's",
        ),
      cert: filePath()
        .optional()
        .describe('file with the client certificate chain to show to the pool; needs key'),
      key: filePath().optional().describe('file with the private key of cert'),
      servername: hostName()
        .optional()
        .describe(
          `name to verify in the pool's certificate (also sent as SNI), if it is not the host of ${serverName}`,
        ),
    })
    .prefault({});

export const upstream = z
  .strictObject({
    url: origin()
      .optional()
      .describe('the UCWA pool that receives all calls; serve needs it or pools')
      .register(facts, { flag: 'upstream' }),
    timeoutMs: milliseconds(100, 10 * minute)
      .prefault(30_000)
      .describe('deadline of a batchable call, including its hold and its retries'),
    passThroughIdleMs: milliseconds(1000, 60 * minute)
      .prefault(960_000)
      .describe(
        'time without a byte until a pass-through request is aborted; event polls have no such limit',
      ),
    connectTimeoutMs: milliseconds(10, 2 * minute)
      .prefault(3000)
      .describe('maximum time to open a connection to the pool'),
    idleTimeoutMs: milliseconds(100, 10 * minute)
      .prefault(15_000)
      .describe(
        'time until an idle connection to the pool is closed; must be shorter than that of the pool',
      ),
    connectionAuth: connectionAuth()
      .prefault('refuse')
      .describe(
        'what to do with a sign-in that belongs to a connection (NTLM, Negotiate). ' +
          'refuse: answer 501. bind: give the client connection its own connection to the pool; ' +
          'calls on it are not batched',
      ),
    maxBoundConnections: count(1, 65_535)
      .prefault(2000)
      .describe('maximum number of bound connections to the pool, each for one client connection'),
    boundIdleMs: milliseconds(1000, 60 * minute)
      .prefault(60_000)
      .describe(
        'time until an idle bound connection is closed; must be shorter than that of the pool',
      ),
    boundMaxAgeMs: milliseconds(1000, 24 * 60 * minute)
      .prefault(3_600_000)
      .describe('age of a bound connection after which it is closed at the end of an answer'),
    maxConnections: count(1, 65_535)
      .prefault(128)
      .describe(
        'maximum number of connections to the pool for batchable calls; pass-through requests have the same number again',
      ),
    tls: poolTls('upstream.url').describe('TLS to the pool; only with an https upstream.url'),
  })
  .prefault({})
  .describe('connections to the pool');

export const pools = z
  .array(
    z.strictObject({
      name: shortName().describe(
        'name of the pool; each pool needs a different name. Sidecar clients reach the pool at this name below localhost',
      ),
      hosts: poolHosts()
        .prefault([])
        .describe(
          'names that clients know the pool by. The pool receives the name of the client unchanged. ' +
            '*.example.com: all names below it. * or an empty list: every name that no other pool has. ' +
            'The pool then receives its first exact name, or the name of its first server',
        ),
      servers: origins().describe('servers of the pool, which share its requests'),
      ...serversFields,
      ...plainServerFields,
      tls: poolTls('servers').describe('TLS to the servers of this pool'),
      connectionAuth: connectionAuth()
        .optional()
        .describe('like upstream.connectionAuth, which is the default, for this pool'),
      batching: yesOrNo()
        .prefault(true)
        .describe('whether calls to this pool are batched; if not, all of them pass through'),
    }),
  )
  .prefault([])
  .describe(
    'pools by the names that clients know them by, instead of upstream.url; ' +
      'the times and limits of upstream apply to each pool',
  );
