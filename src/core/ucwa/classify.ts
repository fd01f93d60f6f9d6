/**
 * Step 3: may this call travel in a batch? Only calls below an application, written plainly, are
 * batched; the rest passes through untouched, and the reason is counted. Targets are validated and
 * never normalised, so that what was judged is what is sent, and so that no decoder further on can
 * read a different resource out of it (docs/decisions/003-targets.md).
 */
import type { HeadFacts, RequestHead } from '../admit/request-head.ts';

/** Why a call passes through: label values of `ucwa_proxy_passthrough_total`, a closed set. */
export const passThroughReasons = [
  'outside',
  'application',
  'batch',
  'events',
  'photos',
  'method',
  'credentials',
  'connection_auth',
  'target',
  'headers',
  'body',
  'http_version',
  'opt_out',
] as const;
export type PassThroughReason = (typeof passThroughReasons)[number];

export type Classification =
  | {
      readonly kind: 'batchable';
      /** `/ucwa/oauth/v1/applications/1045`, as the caller spelt it. */
      readonly applicationPath: string;
      /** What is read or written: the path in lower case, without the query. */
      readonly resource: string;
    }
  | { readonly kind: 'pass-through'; readonly reason: PassThroughReason };

const passing = Object.fromEntries(
  passThroughReasons.map((reason) => [reason, { kind: 'pass-through', reason }]),
) as Record<PassThroughReason, Classification>;

const application = /^\/ucwa\/(?:oauth\/)?v1\/applications\/[0-9A-Za-z_-]{1,128}(?=$|[/?])/i;

/** Most paths: without triplets and colons, and no segment ends in a dot. Each of them is plain. */
const simplePath = /^(?:\/[\w\-~!$&'()*+,=@]+(?:\.[\w\-~!$&'()*+,=@]+)*)+$/;

/**
 * Segments of unreserved characters, sub-delimiters without `;`, `:` and `@` (RFC 3986 3.3), and
 * triplets that stand for printable ASCII other than `# % . / ; ? \`.
 */
const plainPath =
  /^(?:\/(?:[\w\-~!$&'()*+,=:@.]|%(?:2[0-246-9A-Da-d]|3[0-9ACDEacde]|[46][0-9A-Fa-f]|5[0-9ABD-Fabd-f]|7[0-9A-Ea-e]))+)+$/;

/**
 * A segment that ends in a dot or a blank, or that has such an end, or nothing, before a colon:
 * Windows file names drop dots and blanks, and name a stream of the file behind the colon.
 */
const trimmedByWindows = /(?:\.|%20)(?:\/|$)|(?:[/.]|%20)(?::|%3a)/i;

/** RFC 3986 3.4, every triplet whole. */
const plainQuery = /^(?:[\w\-.~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/;

const slash = 0x2f;

const batchedMethods: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'DELETE']);
const neverBatched = new Set(['batch', 'events', 'photos']);
const photoLeaves = new Set(['photo', 'contactphoto']);

export interface ClassifyRules {
  /** The largest body that is held. */
  readonly maxCallBytes: number;
  /** Matches paths below an application that are not batched. */
  readonly never: RegExp | undefined;
}

/**
 * `target` is what `admit` returned; `likely`: an application that it most likely is below, as a
 * target before was.
 */
export function classify(
  head: RequestHead,
  target: string,
  facts: HeadFacts,
  rules: ClassifyRules,
  likely?: string,
): Classification {
  const applicationPath = isBelow(target, likely) ? likely : application.exec(target)?.[0];
  if (applicationPath === undefined) return passing.outside;

  const question = target.indexOf('?', applicationPath.length);
  const path = target.slice(applicationPath.length, question === -1 ? undefined : question);
  if (path === '' || path === '/') return passing.application;
  const special = specialResource(path);
  if (special !== undefined) return passing[special];

  if (!batchedMethods.has(head.method)) return passing.method;
  if (facts.authorization === undefined && facts.webTicket === undefined) {
    return passing.credentials;
  }
  if (facts.authorization === '' || facts.webTicket === '') return passing.credentials;
  if (facts.signsIn) return passing.connection_auth;
  if (!isPlain(path)) return passing.target;
  if (question !== -1) {
    const query = target.slice(question + 1);
    if (!plainQuery.test(query)) return passing.target;
    if (/(?:^|&)_method=/i.test(query)) return passing.headers;
  }
  if (facts.range || facts.upgrade || facts.methodOverride) {
    return passing.headers;
  }
  if (facts.repeatedKeyField || facts.hidesKeyField) return passing.headers;
  if (!hasBatchableBody(head.method, facts, rules.maxCallBytes)) return passing.body;
  if (head.httpVersion !== '1.1') return passing.http_version;
  if (facts.ucwaBatch?.toLowerCase() === 'never' || rules.never?.test(path) === true) {
    return passing.opt_out;
  }
  const resource = (question === -1 ? target : target.slice(0, question)).toLowerCase();
  return { kind: 'batchable', applicationPath, resource };
}

function isPlain(path: string): boolean {
  return simplePath.test(path) || (plainPath.test(path) && !trimmedByWindows.test(path));
}

function isBelow(target: string, applicationPath: string | undefined): applicationPath is string {
  return (
    applicationPath !== undefined &&
    target.charCodeAt(applicationPath.length) === slash &&
    target.startsWith(applicationPath)
  );
}

/** The length that the fields announce, in bytes; `undefined` where nobody knows (chunked). */
export function bodyBytes(facts: HeadFacts): number | undefined {
  if (facts.transferEncoding !== undefined) return undefined;
  return facts.contentLength === undefined ? 0 : Number(facts.contentLength);
}

function hasBatchableBody(method: string, facts: HeadFacts, maxBytes: number): boolean {
  const length = bodyBytes(facts);
  if (length === 0) return true;
  if (length === undefined || length > maxBytes) return false;
  if (method === 'GET' || method === 'DELETE' || facts.contentEncoding) return false;
  // A batch, or a message that could pose as one, inside a part.
  return !/^[ \t]*(?:multipart\/|application\/http\b)/i.test(facts.contentType ?? '');
}

/**
 * Patterns of paths below an application as one expression: `*` is one segment, `**` any number,
 * case is ignored. `undefined` for none.
 */
export function pathPatterns(patterns: readonly string[]): RegExp | undefined {
  if (patterns.length === 0) return undefined;
  const sources = patterns.map((pattern) =>
    pattern
      .replace(/^\/+/, '')
      .split('/')
      .map((segment) => {
        if (segment === '**') return '.*';
        if (segment === '*') return '[^/]+';
        return segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      })
      .join('/'),
  );
  return new RegExp(`^/(?:${sources.join('|')})$`, 'i');
}

/** A path without triplets that it does not match is of no special resource. */
const maybeSpecial = /%|^\/(?:batch|events|photos)|\/(?:contact)?photo/i;

/** Judged as the laxest decoder would read it, so that nothing special slips by unrecognised. */
function specialResource(path: string): 'batch' | 'events' | 'photos' | undefined {
  if (!maybeSpecial.test(path)) return undefined;
  const second = path.indexOf('/', 1);
  const first = leadingWord(second === -1 ? path.slice(1) : path.slice(1, second));
  if (neverBatched.has(first)) return first as 'batch' | 'events' | 'photos';
  const last = path.slice(path.lastIndexOf('/') + 1);
  return photoLeaves.has(leadingWord(last)) ? 'photos' : undefined;
}

/** `%42atch;x` -> `batch`. */
function leadingWord(segment: string): string {
  const decoded = segment.includes('%') ? decodeAscii(decodeAscii(segment)) : segment;
  return /^[a-z0-9]*/.exec(decoded.toLowerCase())?.[0] ?? '';
}

function decodeAscii(text: string): string {
  return text.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
}
