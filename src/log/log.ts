/**
 * The log. Only this folder imports pino.
 *
 * The line of a call has a fixed set of fields. No line has a credential, cookie, body or raw path, and
 * `createLog` withholds a line that looks as if it had one. A user appears as a hash. Without a key of its own
 * the log uses a random one, so the hashes of two processes differ.
 */
import { randomBytes } from 'node:crypto';
import { pino, type DestinationStream } from 'pino';
import type { NameUser } from '../core/admit/request-head-cache.ts';
import { routeTemplate } from '../core/ucwa/route-template.ts';
import type { AccessLog, FinishedCall } from '../listen/observer.ts';
import { detailFacts, type Facts } from './call-facts.ts';
import { type LogFormat, renderer } from './formats.ts';
import { createUserNames } from './user-names.ts';

type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
/** Setting `log.access`: which calls are logged. */
type AccessMode = 'all' | 'sampled' | 'problems';

export interface LogOptions {
  readonly level: LogLevel;
  readonly access: AccessMode;
  /** The default is `text` if the log goes to a terminal, and `json` otherwise. */
  readonly format?: LogFormat | undefined;
  /** Key of the hashes of users, see `createUserNames`. The default is a random key. */
  readonly userHashKey?: Buffer | undefined;
}

export interface Log extends AccessLog {
  /** Changes what is logged from now on. */
  configure(options: Pick<LogOptions, 'level' | 'access'>): void;
  info(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  error(message: string, facts?: Facts): void;
  /** `undefined` while the log does not show lines of level `debug`. */
  readonly debug: Debug | undefined;
  /** Names users by their credentials. The log shows the hash of the name. */
  readonly nameUser: NameUser;
  /** Returns the hash by which the log shows the user with this name. */
  readonly hashUser: (name: string) => string;
  /** Sets the function to call for each line that was withheld because it contained a secret. */
  onWithheld(listener: () => void): void;
  /** Logs an error by its class, code and stack, without its message. */
  failure(message: string, error: unknown): void;
}

/** Logs a line of level `debug`. The log shows the hash of `user`, the name of a user. */
export type Debug = (message: string, facts: Facts, user?: string) => void;

const sampledEvery = 100;
const slowMs = 1000;
const randomKeyBytes = 32;

/**
 * Pattern of tokens, cookies and SIP addresses. It catches a secret that reached a line in spite of the fixed
 * fields.
 */
export const secret =
  /\b(?:bearer|basic|ntlm|negotiate) [\w+/=.~-]{8}|\bcwt(?:_ucwa)?=|\bsips?:[^\s"]*@/i;

export function createLog(options: LogOptions, destination?: DestinationStream): Log {
  let onWithheld: () => void = () => undefined;
  const isTerminal = destination === undefined && process.stdout.isTTY;
  const render = renderer(options.format ?? (isTerminal ? 'text' : 'json'));
  const logger = pino(
    {
      level: options.level,
      base: null,
      formatters: { level: (level) => ({ level }) },
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: {
        streamWrite(line) {
          if (!secret.test(line)) return render(line);
          onWithheld();
          return render(
            '{"level":"error","msg":"a line was withheld: it would have shown a secret"}\n',
          );
        },
      },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
  const users = createUserNames(options.userHashKey ?? randomBytes(randomKeyBytes));
  let { access } = options;
  let seen = 0;
  const debug: Debug = (message, facts, user) =>
    logger.debug(user === undefined ? facts : { ...facts, user: users.hashOf(user) }, message);
  return {
    configure(changed) {
      logger.level = changed.level;
      access = changed.access;
    },
    nameUser: users.nameUser,
    hashUser: users.hashOf,
    onWithheld: (listener) => void (onWithheld = listener),
    info: (message, facts) => logger.info(facts ?? {}, message),
    warn: (message, facts) => logger.warn(facts ?? {}, message),
    error: (message, facts) => logger.error(facts ?? {}, message),
    get debug() {
      return logger.isLevelEnabled('debug') ? debug : undefined;
    },
    failure: (message, error) => logger.error(describe(error), message),
    wants(call) {
      seen += 1;
      if (access === 'all' || isProblem(call)) return true;
      return access === 'sampled' && seen % sampledEvery === 0;
    },
    access(call, details) {
      logger.info(
        {
          method: methodName(call.method),
          route: routeTemplate(call.target),
          via: call.via,
          status: call.status,
          ms: Math.round(call.durationMs * 10) / 10,
          ...(call.callerLeft ? { callerLeft: true } : {}),
          ...(call.user === '' ? {} : { user: users.hashOf(call.user) }),
          ...detailFacts(details),
        },
        'call',
      );
    },
  };
}

function isProblem(call: FinishedCall): boolean {
  if (call.status >= 500 || call.status === 429) return true;
  // The plain listener redirects; that is no problem.
  if (call.via === 'refused' && Math.trunc(call.status / 100) !== 3) return true;
  return !call.poll && call.durationMs > slowMs;
}

/** Returns a known method, or `OTHER`, because an unknown method is arbitrary text of the client. */
function methodName(method: string): string {
  return /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE)$/.test(method)
    ? method
    : 'OTHER';
}

/** Returns the class, code and stack of an error. A message may quote a client or the pool. */
function describe(error: unknown): Facts {
  if (!(error instanceof Error)) return { error: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const { stack = '', message } = error;
  // Only lines after the message are stack frames: the message itself may contain similar lines.
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
