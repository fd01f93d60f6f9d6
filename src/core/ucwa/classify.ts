/**
 * Step 3: may this call be sent in a batch? Only calls to plainly written paths below an application are
 * batched. All other calls pass through unchanged, and their reasons are counted. Targets are validated and
 * never normalized, so the classified bytes are the sent bytes. No decoder at the pool can then read another
 * resource from a target (docs/decisions/003-targets.md).
 */
import { readBatchWish } from '../messages/batch-wish.ts';
import type { HeadFacts, RequestHead } from '../admit/request-head.ts';

/** Why a call passes through: all label values of `ucwa_proxy_passthrough_total`. */
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
      /** `/ucwa/oauth/v1/applications/1045`, as the caller spelled it. */
      readonly applicationPath: string;
      /** The path of the call in lower case, without the query. */
      readonly resource: string;
    }
  | { readonly kind: 'pass-through'; readonly reason: PassThroughReason };

const passThrough = Object.fromEntries(
  passThroughReasons.map((reason) => [reason, { kind: 'pass-through', reason }]),
) as Record<PassThroughReason, Classification>;

const application = /^\/ucwa\/(?:oauth\/)?v1\/applications\/[0-9A-Za-z_-]{1,128}(?=$|[/?])/i;

/** A fast check for most plain paths: no triplets, no colons, and no segment that ends in a dot. */
const simplePath = /^(?:\/[\w\-~!$&'()*+,=@]+(?:\.[\w\-~!$&'()*+,=@]+)*)+$/;

/**
 * Segments (RFC 3986 section 3.3) without `;`. Triplets stand only for printable ASCII other than
 * `# % . / ; ? \`.
 */
const plainPath =
  /^(?:\/(?:[\w\-~!$&'()*+,=:@.]|%(?:2[0-246-9A-Da-d]|3[0-9ACDEacde]|[46][0-9A-Fa-f]|5[0-9ABD-Fabd-f]|7[0-9A-Ea-e]))+)+$/;

/**
 * A segment that ends in a dot or a blank, or that has a dot, a blank or nothing before a colon. Windows drops
 * dots and blanks at the end of a file name. Behind a colon, Windows expects the name of a stream of the file.
 */
const trimmedByWindows = /(?:\.|%20)(?:\/|$)|(?:[/.]|%20)(?::|%3a)/i;

/** A query (RFC 3986 section 3.4) in which all triplets are complete. */
const plainQuery = /^(?:[\w\-.~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/;

/** The largest head of a batched call, in bytes. Servers read that much of a part. Longer heads pass through. */
const maxHeadBytes = 16_384;

const slash = 0x2f;

const batchedMethods: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'DELETE']);
const neverBatched = new Set(['batch', 'events', 'photos']);
const photoLeaves = new Set(['photo', 'contactphoto']);

export interface ClassifyRules {
  /** The largest body of a batched call, in bytes. */
  readonly maxCallBytes: number;
  /** Matches the paths, relative to their application, that the operator keeps out of batches. */
  readonly never: RegExp | undefined;
}

/**
 * Decides whether a call is batched.
 *
 * @param target the result of `admit`
 * @param likely the application of the previous call of this client: saves a regular expression if this call is
 *   below the same application
 */
export function classify(
  head: RequestHead,
  target: string,
  facts: HeadFacts,
  rules: ClassifyRules,
  likely?: string,
): Classification {
  const applicationPath = isBelow(target, likely) ? likely : application.exec(target)?.[0];
  if (applicationPath === undefined) return classifyDoubledSlash(head, target, facts, rules);

  const question = target.indexOf('?', applicationPath.length);
  const path = target.slice(applicationPath.length, question === -1 ? undefined : question);
  if (path === '' || path === '/') return passThrough.application;
  const special = specialResource(path);
  if (special !== undefined) return passThrough[special];

  if (!batchedMethods.has(head.method)) return passThrough.method;
  if (facts.authorization === undefined && facts.webTicket === undefined) {
    return passThrough.credentials;
  }
  if (facts.authorization === '' || facts.webTicket === '') return passThrough.credentials;
  if (facts.signsIn) return passThrough.connection_auth;
  if (!isPlain(path)) return passThrough.target;
  if (question !== -1) {
    const query = target.slice(question + 1);
    if (!plainQuery.test(query)) return passThrough.target;
    if (/(?:^|&)_method=/i.test(query)) return passThrough.headers;
  }
  if (facts.range || facts.upgrade || facts.methodOverride) {
    return passThrough.headers;
  }
  if (facts.bytes + target.length > maxHeadBytes) return passThrough.headers;
  if (facts.repeatedKeyField || facts.hidesKeyField) return passThrough.headers;
  if (!hasBatchableBody(head.method, facts, rules.maxCallBytes)) return passThrough.body;
  if (head.httpVersion === '1.0') return passThrough.http_version;
  const wantsNever = facts.ucwaBatch !== undefined && readBatchWish(facts.ucwaBatch).never;
  if (wantsNever || rules.never?.test(path) === true) {
    return passThrough.opt_out;
  }
  const resource = (question === -1 ? target : target.slice(0, question)).toLowerCase();
  return { kind: 'batchable', applicationPath, resource };
}

/**
 * Classifies a target outside of an application. A client that joins a base address and a path may begin the target
 * with several slashes, which IIS reads as one. Its calls pass through, because `//` in a part could be read as the
 * name of a host. But its polls are polls, and its writes are writes of its user.
 */
function classifyDoubledSlash(
  head: RequestHead,
  target: string,
  facts: HeadFacts,
  rules: ClassifyRules,
): Classification {
  if (!target.startsWith('//')) return passThrough.outside;
  const classified = classify(head, target.replace(/^\/+/, '/'), facts, rules);
  return classified.kind === 'batchable' ? passThrough.target : classified;
}

/** Returns the path of the application that the target is below, in lower case. */
export function applicationOf(target: string): string | undefined {
  return application.exec(target.replace(/^\/+/, '/'))?.[0].toLowerCase();
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

/** Returns the body length that the head declares, in bytes; `undefined` for a chunked body. */
function bodyBytes(facts: HeadFacts): number | undefined {
  if (facts.transferEncoding !== undefined) return undefined;
  return facts.contentLength === undefined ? 0 : Number(facts.contentLength);
}

function hasBatchableBody(method: string, facts: HeadFacts, maxBytes: number): boolean {
  const length = bodyBytes(facts);
  if (length === 0) return true;
  if (length === undefined || length > maxBytes) return false;
  if (method === 'GET' || method === 'DELETE' || facts.contentEncoding) return false;
  // The pool could mistake a nested batch or HTTP message for another part.
  return !/^[ \t]*(?:multipart\/|application\/http\b)/i.test(facts.contentType ?? '');
}

/**
 * Compiles path patterns into one expression for paths below an application. `*` matches one segment, and `**`
 * matches any number of segments. Case is ignored. Returns `undefined` for an empty list.
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

/** A fast check: a path that does not match is not that of a special resource. */
const maybeSpecial = /%|^\/(?:batch|events|photos)|\/(?:contact)?photo/i;

/**
 * Returns the special resource that the path may mean to a decoder that decodes triplets twice and ignores the
 * rest of a segment. So no special resource gets into a batch in another spelling.
 */
function specialResource(path: string): 'batch' | 'events' | 'photos' | undefined {
  if (!maybeSpecial.test(path)) return undefined;
  const second = path.indexOf('/', 1);
  const first = leadingWord(second === -1 ? path.slice(1) : path.slice(1, second));
  if (neverBatched.has(first)) return first as 'batch' | 'events' | 'photos';
  const last = path.slice(path.lastIndexOf('/') + 1);
  return photoLeaves.has(leadingWord(last)) ? 'photos' : undefined;
}

/** Returns the first word of a segment, decoded and in lower case: `%42atch;x` -> `batch`. */
function leadingWord(segment: string): string {
  const decoded = segment.includes('%') ? decodeAscii(decodeAscii(segment)) : segment;
  return /^[a-z0-9]*/.exec(decoded.toLowerCase())?.[0] ?? '';
}

function decodeAscii(text: string): string {
  return text.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
}
