/** The pool as the checks see it: its answers, asked once, and what earlier checks found. */
import { type BatchAnswer, type BatchOptions, type Part, sendBatch } from './batch.ts';
import { contradicts } from '../../core/ucwa/self-link.ts';
import { headerValue } from '../../core/messages/http-message.ts';
import type { ResponsePart } from '../../core/wire/response-part.ts';
import { jsonOf } from './json.ts';
import type { PoolAnswer, PoolSession } from './pool-session.ts';

/** Reads of the user's own resources, below the application. */
const ownReads = [
  'me',
  'me/presence',
  'me/note',
  'me/location',
  'me/phones',
  'me/callForwardingSettings',
  'people',
  'people/contacts',
  'people/groups',
  'policies',
  'communication',
  'onlineMeetings/myOnlineMeetings',
] as const;

/** A path below the application that no pool has. */
export const missingPath = 'ucwa-batch-proxy-verify';

/** A part beside the direct answers to the same call. */
export interface Comparison {
  readonly path: string;
  readonly difference: 'status' | 'media type' | 'body' | 'ETag' | 'Location' | undefined;
  /** Whether the direct answers have an `ETag`. */
  readonly hasEtag: boolean;
}

export interface WorldParts {
  readonly pool: URL;
  /** Session with several connections. */
  readonly session: PoolSession;
  /** Returns a new session with one connection and the same allowance. */
  readonly openSingle: () => PoolSession;
  /** Such as `/ucwa/oauth/v1/applications/1045`. */
  readonly applicationPath: string;
  /** Whether this run created the application. */
  readonly ownsApplication: boolean;
  /** The CA certificates of `--ca`. */
  readonly ca: Buffer | undefined;
  readonly caFile: string | undefined;
  /** Milliseconds since 1970. */
  readonly date: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

export class World {
  readonly with: WorldParts;
  /** Whether batches were accepted, and their parts can be paired with calls. */
  hasBatches = false;
  /** The largest number of parts that the pool accepted. */
  maxParts = 2;
  /** The number of parts at which the pool answers 429, less one. */
  limit: number | undefined;
  readonly #direct = new Map<string, Promise<PoolAnswer>>();
  #survey: Promise<Survey> | undefined;
  #comparisons: Promise<readonly Comparison[]> | undefined;

  constructor(parts: WorldParts) {
    this.with = parts;
  }

  get session(): PoolSession {
    return this.with.session;
  }

  target(path: string): string {
    return `${this.with.applicationPath}/${path}`;
  }

  /** Returns the answer to a GET, which is sent once for each path. */
  direct(path: string): Promise<PoolAnswer> {
    let answer = this.#direct.get(path);
    if (answer === undefined) {
      answer = this.session.ask({ target: this.target(path) });
      this.#direct.set(path, answer);
    }
    return answer;
  }

  batch(parts: readonly Part[], options?: BatchOptions): Promise<BatchAnswer> {
    return sendBatch(this.session, this.with.applicationPath, parts, options);
  }

  /** Sends GETs of these paths as one batch. */
  batchOf(paths: readonly string[], options?: BatchOptions): Promise<BatchAnswer> {
    return this.batch(
      paths.map((path) => ({ target: this.target(path) })),
      options,
    );
  }

  /** Returns one batch of different calls, with a missing resource among them, which is sent once. */
  survey(): Promise<Survey> {
    this.#survey ??= this.#takeSurvey();
    return this.#survey;
  }

  async #takeSurvey(): Promise<Survey> {
    const readable: string[] = [];
    for (const path of ownReads) {
      const answer = await this.direct(path);
      if (answer.status === 200 && selfOf(answer) !== undefined) readable.push(path);
      if (readable.length === 4) break;
    }
    const [first = 'me', ...others] = readable;
    const paths = [first, missingPath, ...others];
    return { paths, answer: await this.batchOf(paths) };
  }

  /** Returns the own reads, asked directly, in batches, and directly again. */
  compare(): Promise<readonly Comparison[]> {
    this.#comparisons ??= this.#takeComparisons();
    return this.#comparisons;
  }

  async #takeComparisons(): Promise<readonly Comparison[]> {
    const compared: Comparison[] = [];
    const size = Math.min(this.maxParts, ownReads.length);
    for (let at = 0; at < ownReads.length; at += size) {
      const paths = ownReads.slice(at, at + size);
      const before: PoolAnswer[] = [];
      for (const path of paths) before.push(await this.direct(path));
      const { parts } = await this.batchOf(paths);
      for (const [i, path] of paths.entries()) {
        const [part, one] = [parts[i], before[i]];
        if (part?.kind !== 'response' || one === undefined) continue;
        const other = await this.session.ask({ target: this.target(path) });
        compared.push(comparisonOf(path, one, other, part));
      }
    }
    return compared;
  }
}

/** One batch of different calls. */
export interface Survey {
  readonly paths: readonly string[];
  readonly answer: BatchAnswer;
}

/** Returns the number of parts that answer another call than that of their position. */
export function misplaced({ paths, answer }: Survey, world: World): number {
  return paths.filter((path, i) => {
    const part = answer.parts[i];
    if (part?.kind !== 'response') return false;
    return path === missingPath ? part.status < 300 : contradicts(part, world.target(path));
  }).length;
}

function selfOf(answer: PoolAnswer): string | undefined {
  const { _links } = jsonOf(answer.body) as { _links?: { self?: { href?: unknown } } };
  return typeof _links?.self?.href === 'string' ? _links.self.href : undefined;
}

function comparisonOf(
  path: string,
  one: PoolAnswer,
  other: PoolAnswer,
  part: ResponsePart,
): Comparison {
  const hasEtag = headerValue(one.headers, 'etag') !== undefined;
  return { path, hasEtag, difference: differenceOf(one, other, part) };
}

/** Returns a difference that the two direct answers do not have. */
function differenceOf(
  one: PoolAnswer,
  other: PoolAnswer,
  part: ResponsePart,
): Comparison['difference'] {
  if (one.status !== other.status) return undefined;
  if (part.status !== one.status) return 'status';
  const has = (name: string) => headerValue(part.headers, name) !== undefined;
  for (const name of ['ETag', 'Location'] as const) {
    const lower = name.toLowerCase();
    const direct = [one, other].every(({ headers }) => headerValue(headers, lower) !== undefined);
    if (direct && !has(lower)) return name;
  }
  const types = [one, other, part].map(({ headers }) => mediaType(headers));
  if (types[0] === types[1] && types[2] !== types[0]) return 'media type';
  if (one.body.equals(other.body) && !withoutMark(part.body).equals(withoutMark(one.body))) {
    return 'body';
  }
  return undefined;
}

function mediaType(headers: readonly string[]): string {
  return (headerValue(headers, 'content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

export const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

function withoutMark(body: Buffer): Buffer {
  return body.subarray(0, 3).equals(byteOrderMark) ? body.subarray(3) : body;
}
