/**
 * Logs, by pino: the only folder that imports it. Lines hold an allow-list of facts: no credential,
 * cookie, body or raw path; users appear as a hash under a key that lives as long as the process.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { pino, type DestinationStream } from 'pino';
import { routeTemplate } from '../core/ucwa/route-template.ts';
import type { FinishedCall } from '../listen/observer.ts';

type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
/** Which calls get an access line. */
type AccessMode = 'all' | 'sampled' | 'problems';

export interface LogOptions {
  readonly level: LogLevel;
  readonly access: AccessMode;
}

export interface Log {
  info(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  error(message: string, facts?: Facts): void;
  access(call: FinishedCall): void;
  /** Told of each line that was not written, since it would have shown a secret. */
  onWithheld(listener: () => void): void;
  /** What went wrong, without what it went wrong with. */
  failure(message: string, error: unknown): void;
}

type Facts = Readonly<Record<string, string | number | boolean>>;

const sampledEvery = 100;
const slowMs = 1000;
const keyBytes = 32;

/** Lines are made of what may be shown; this proves that none of them says a token or an address. */
const secret = /\b(?:bearer|basic|ntlm|negotiate) [\w+/=.~-]{8}|\bcwt(?:_ucwa)?=|\bsips?:[^\s"]*@/i;

export function createLog(options: LogOptions, destination?: DestinationStream): Log {
  let withheld: () => void = () => undefined;
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: {
        streamWrite(line) {
          if (!secret.test(line)) return line;
          withheld();
          return `{"level":50,"msg":"a line was withheld: it would have shown a secret"}\n`;
        },
      },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
  const key = randomBytes(keyBytes);
  let seen = 0;
  const wanted = (call: FinishedCall): boolean => {
    seen += 1;
    if (options.access === 'all' || isProblem(call)) return true;
    return options.access === 'sampled' && seen % sampledEvery === 0;
  };
  return {
    onWithheld: (listener) => void (withheld = listener),
    info: (message, facts) => logger.info(facts ?? {}, message),
    warn: (message, facts) => logger.warn(facts ?? {}, message),
    error: (message, facts) => logger.error(facts ?? {}, message),
    failure: (message, error) => logger.error(describe(error), message),
    access(call) {
      if (!wanted(call)) return;
      logger.info(
        {
          method: methodName(call.method),
          route: routeTemplate(call.target),
          via: call.via,
          status: call.status,
          ms: Math.round(call.durationMs * 10) / 10,
          ...(call.callerLeft ? { callerLeft: true } : {}),
          ...(call.credential === '' ? {} : { user: userHash(key, call.credential) }),
        },
        'call',
      );
    },
  };
}

function isProblem(call: FinishedCall): boolean {
  if (call.status >= 500 || call.status === 429 || call.via === 'refused') return true;
  return !call.poll && call.durationMs > slowMs;
}

/** A method is the client's text: only known ones are repeated. */
function methodName(method: string): string {
  return /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE)$/.test(method)
    ? method
    : 'OTHER';
}

function userHash(key: Buffer, credential: string): string {
  return createHmac('sha256', key).update(credential).digest('hex').slice(0, 8);
}

/** Class, code and places in the code; messages may quote what a client or the pool said. */
function describe(error: unknown): Facts {
  if (!(error instanceof Error)) return { error: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const { stack = '', message } = error;
  // A message may have lines that look like places in the code; they stand behind it.
  const at = stack.indexOf(message);
  const places = at === -1 ? '' : stack.slice(at + message.length);
  const frames = places.split('\n').filter((line) => /^\s+at /.test(line));
  return {
    error: error.name,
    ...(code === undefined ? {} : { code }),
    stack: frames
      .slice(0, 8)
      .map((line) => line.trim())
      .join(' | '),
  };
}
