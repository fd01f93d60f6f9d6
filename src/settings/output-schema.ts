/** The settings of what the proxy writes: the log, traces, and recordings. A part of `schema.ts`. */
import * as z from 'zod';
import { bytes, facts, oneOf, plainFilePath, share, tracesUrl } from './value-kinds.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

export const log = z
  .strictObject({
    level: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent')
      .prefault('info')
      .describe('lowest severity that is logged')
      .register(facts, { flag: 'log-level', placeholder: 'LEVEL' }),
    format: oneOf('json', 'text', 'w3c')
      .optional()
      .describe(
        'format of the log. json: one object a line. text: one sentence a line. w3c: calls in the extended format of W3C and IIS. Without it: text on a terminal, else json',
      ),
    userHashKeyFile: plainFilePath()
      .optional()
      .describe(
        'file with the key of the hashes of users, at least 16 bytes; processes with the same key show the same hashes. Without it: a new key at each start',
      ),
    access: oneOf('all', 'sampled', 'problems')
      .prefault('problems')
      .describe(
        'which calls are logged. all: every call. problems: calls over one second, refused, or answered 429 or 5xx. sampled: those and one call of 100',
      ),
  })
  .prefault({})
  .describe('the log on standard output');

export const trace = z
  .strictObject({
    endpoint: tracesUrl()
      .optional()
      .describe(
        'URL of a collector that takes traces by OTLP over HTTP; without a path, /v1/traces is added. Without it there are no traces',
      ),
    sampleRatio: share()
      .prefault(0.01)
      .describe(
        'share of the calls without traceparent that are traced; for a call with one, its client decides',
      ),
  })
  .prefault({})
  .describe('traces for OpenTelemetry');

export const record = z
  .strictObject({
    file: plainFilePath()
      .optional()
      .describe(
        'file for a recording of the times of calls, for the command tune; only in mode off or shadow. A restart continues it',
      )
      .register(facts, { flag: 'record' }),
    maxBytes: bytes(KiB, 16 * GiB)
      .prefault(64 * MiB)
      .describe('maximum size of the recording; later calls are not recorded'),
  })
  .prefault({})
  .describe('a recording of when calls arrive, without their content');
