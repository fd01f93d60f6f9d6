/**
 * A pool and clients that sign in connections by real NTLM and Negotiate. `pool/install.sh`
 * installs them.
 */
import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { entrust } from '../../support/canaries.ts';
import { onCleanup } from '../../support/cleanup.ts';
import { startProxy, type TestProxy } from '../../support/proxy.ts';
import { app } from '../../support/ucwa-client.ts';

const folder = process.env['SIGN_IN_FOLDER'] ?? '/tmp/ucwa-batch-proxy-sign-in';
/** Python with the packages of the pool and its clients. */
export const signInPython = join(folder, 'bin/python');

const execute = promisify(execFile);
const script = (name: string): string => fileURLToPath(new URL(`pool/${name}`, import.meta.url));

export const ticket = '/WebTicket/WebTicketService.svc';
export const me = `${app}/me`;
export const note = `${app}/me/note`;
/** Path that needs no sign-in. The pool answers with the user who is signed in. */
export const open = '/abs/handler';
export const protocols = ['ntlm', 'negotiate'] as const;

export type User = keyof typeof passwords;
export type Protocol = (typeof protocols)[number];

const passwords = {
  alice: 'correct-horse-battery-staple',
  bob: 'twelve-angry-paper-clips',
} as const;

/** The user whom the pool takes the client for, and how the request came. */
export interface PoolWord {
  readonly signedInAs: User | null;
  /** The number of the connection at the pool. */
  readonly connection: number;
  readonly via: string | null;
  readonly bodyBytes: number;
}

export interface Heard {
  readonly status: number;
  /** The challenges, without handshake tokens. */
  readonly challenges: readonly string[];
  readonly body: string;
  /** Whether the pool has proved that it knows the user. Only Negotiate does that. */
  readonly isMutual: boolean;
  /** The pool's report. Throws if the answer is not the pool's. */
  readonly pool: PoolWord;
}

interface Request {
  readonly method?: string;
  readonly body?: string;
  readonly fields?: Readonly<Record<string, string>>;
}

/** A Python program that prints one line for each input line. */
class Lines {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(args: readonly string[]) {
    this.#child = spawn(signInPython, args);
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    onCleanup(async () => {
      const exited = once(this.#child, 'exit');
      this.#child.stdin.end();
      if (this.#child.exitCode === null) await exited;
    });
  }

  ask(value: unknown): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify(value)}\n`);
    return this.next();
  }

  async next(): Promise<unknown> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('the program has ended');
    return JSON.parse(line.value);
  }
}

interface Tally {
  readonly connections: number;
  readonly requests: number;
  /** Number of requests that carried a handshake message. */
  readonly credentials: number;
  readonly signIns: number;
}

export interface SignInPool {
  readonly url: string;
  tally(): Promise<Tally>;
}

/** A pool that signs in connections as IIS does by default. */
export async function startSignInPool(...options: readonly string[]): Promise<SignInPool> {
  const made = mkdtempSync(join(tmpdir(), 'ucwa-batch-proxy-users-'));
  onCleanup(() => rmSync(made, { recursive: true }));
  const users = join(made, 'users');
  const lines = Object.entries(passwords).map(([user, password]) => `:${user}:${password}\n`);
  writeFileSync(users, lines.join(''));
  const program = new Lines([script('pool.py'), users, ...options]);
  const { port } = (await program.next()) as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    tally: async () => (await program.ask({})) as Tally,
  };
}

/** A client with one connection that signs in with pyspnego. */
export class SignInClient {
  readonly #program: Lines;
  readonly #user: User;
  readonly #password: string;

  constructor(url: string, protocol: Protocol, user: User, password: string = passwords[user]) {
    this.#program = new Lines([script('client.py'), new URL(url).port, protocol]);
    this.#user = user;
    this.#password = password;
  }

  /** Sends no credential. */
  plain(path: string, request: Request = {}): Promise<Heard> {
    return this.#ask('plain', path, request);
  }

  /** Sends the first message of a handshake, for the client's user or another user. */
  begin(path: string, request: Request = {}, user?: User): Promise<Heard> {
    const password = user === undefined ? this.#password : passwords[user];
    entrust(password);
    return this.#ask('begin', path, { ...request, user: user ?? this.#user, password });
  }

  /** Answers the last challenge. */
  finish(path: string, request: Request = {}): Promise<Heard> {
    return this.#ask('finish', path, request);
  }

  async signIn(path: string, request: Request = {}): Promise<Heard> {
    await this.begin(path);
    return this.finish(path, request);
  }

  /** Closes the connection. The next request opens a new one. */
  async leave(): Promise<void> {
    await this.#program.ask({ step: 'leave' });
  }

  async #ask(step: string, path: string, request: object): Promise<Heard> {
    const told = (await this.#program.ask({ step, path, ...request })) as {
      readonly failure?: string;
      readonly status: number;
      readonly fields: ReadonlyArray<readonly [string, string]>;
      readonly body: string;
      readonly sent: string | null;
      readonly isMutual: boolean;
    };
    if (told.failure !== undefined) throw new Error(`${step} ${path}: ${told.failure}`);
    entrust(told.sent ?? undefined);
    const challenges = told.fields
      .filter(([name]) => name.toLowerCase() === 'www-authenticate')
      .map(([, value]) => value.replace(/^(NTLM|Negotiate) \S+$/, '$1'));
    return heard(told.status, told.body, challenges, told.isMutual);
  }
}

export interface CurlRun {
  readonly answers: readonly Heard[];
  /** Number of connections that curl opened. */
  readonly connects: number;
  /** Number of handshake messages that curl sent. */
  readonly credentials: number;
}

/** Runs `curl` once. curl keeps its connection from one path to the next. */
export async function curl(
  url: string,
  user: User,
  paths: readonly string[],
  options: readonly string[] = ['--ntlm'],
): Promise<CurlRun> {
  entrust(passwords[user]);
  const { stdout, stderr } = await execute('curl', [
    '--silent',
    '--verbose',
    '--noproxy',
    '*',
    '--max-time',
    '15',
    '--user',
    `${user}:${passwords[user]}`,
    '--write-out',
    '\n%{http_code} %{num_connects}\n',
    ...options,
    ...paths.map((path) => url + path),
  ]);
  const sent = Array.from(stderr.matchAll(/^> Authorization: (.*?)\r?$/gm), ([, value]) => value);
  for (const credential of sent) entrust(credential);
  const answers = Array.from(stdout.matchAll(/([^]*?)\n(\d{3}) (\d+)\n/g));
  return {
    answers: answers.map(([, body = '', status]) => heard(Number(status), body)),
    connects: answers.reduce((sum, [, , , connects]) => sum + Number(connects), 0),
    credentials: sent.length,
  };
}

function heard(
  status: number,
  body: string,
  challenges: readonly string[] = [],
  isMutual = false,
): Heard {
  return {
    status,
    body,
    challenges,
    isMutual,
    get pool() {
      const word = JSON.parse(body) as PoolWord;
      if (typeof word.connection !== 'number') throw new Error(`not the pool's answer: ${body}`);
      return word;
    },
  };
}

/** Starts the pool, and a proxy that binds connections. */
export async function startBinding(
  env: Readonly<Record<string, string>> = {},
  ...options: readonly string[]
): Promise<{ pool: SignInPool; proxy: TestProxy }> {
  const pool = await startSignInPool(...options);
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_UPSTREAM_CONNECTION_AUTH: 'bind',
    ...env,
  });
  return { pool, proxy };
}

/** Starts the pool, and a proxy with default settings. */
export async function startRefusing(
  ...options: readonly string[]
): Promise<{ pool: SignInPool; proxy: TestProxy }> {
  const pool = await startSignInPool(...options);
  return { pool, proxy: await startProxy(pool.url) };
}
