/**
 * Keeps clients on the proxy if they came by an address of the proxy's own. Links to a pool come back to them with the
 * origin that they used (docs/decisions/017-links-of-sidecar-clients.md).
 */
import type { IncomingMessage } from 'node:http';
import { httpsAuthority } from '../core/answer/https-redirect.ts';
import { documentFormat, rewriteBody } from '../core/links/body-links.ts';
import { clientOrigin, type ClientOrigin } from '../core/links/client-origin.ts';
import { notShared, rewrittenHead } from '../core/links/document-head.ts';
import { rewriteFields } from '../core/links/field-links.ts';
import { LinkRewriting, type Replacement } from '../core/links/link-rewriting.ts';
import type { PoolNames } from '../core/links/pool-names.ts';
import { headerValue, type RawHeaders } from '../core/messages/http-message.ts';
import type { ReplyHead } from '../core/messages/reply.ts';
import { documentOf, type LinkDocument, type LinkKind, linkNames } from '../core/ucwa/links.ts';
import type { BodyRewrite } from '../pass-through/pass-through-call.ts';
import type { ClientExchange } from './client-exchange.ts';
import { codingOf, decoded } from './coded-body.ts';
import { LeftLinks, type LinkObserver, type Warn } from './left-links.ts';

export interface LinkParts {
  readonly names: PoolNames;
  /** Whether the peer is trusted, so that its fields about the client count. */
  readonly isTrusted: (request: IncomingMessage) => boolean;
  readonly observer: LinkObserver;
  readonly warn: Warn;
  /**
   * For the plain listener: returns the port of the TLS listener, or `undefined` if there is none. Links with https
   * then keep https, because a link without TLS would show credentials to the network.
   */
  readonly tlsPort?: () => number | undefined;
}

/** Limit for a body with links, before and after it is decoded. Real documents have a few KiB. */
const maxBodyBytes = 262_144;

const notModified = 304;
const partial = 206;

/** Request fields that ask for a part of a document. The parts of a rewritten document differ. */
const rangeFields: ReadonlySet<string> = new Set(['range', 'if-range']);

export class LinkRewriter {
  readonly #parts: LinkParts;
  readonly #left: LeftLinks;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#left = new LeftLinks(parts.observer, parts.warn);
  }

  /** Returns the head of an answer with its links rewritten: the same object if no link changes. */
  relayed<H extends ReplyHead>(exchange: ClientExchange, head: H): H {
    const headers = this.relayedFields(exchange, head.status, head.headers);
    // The cached encoding is invalid now.
    return headers === head.headers ? head : { ...head, headers, head: undefined };
  }

  /** See `relayed`. */
  relayedFields(exchange: ClientExchange, status: number, headers: RawHeaders): RawHeaders {
    let rewriting: LinkRewriting | undefined;
    const rewritten = rewriteFields(headers, (kind, link) => {
      rewriting ??= this.#rewriting(exchange);
      return rewriting && this.#rewrite(rewriting, kind, link, exchange.request.url);
    });
    const isRedirect = rewritten !== headers && Math.trunc(status / 100) === 3;
    return isRedirect ? notShared(rewritten) : rewritten;
  }

  /**
   * Returns the document that answers the request; `undefined` if its links need no change.
   *
   * @param target the result of `admit`
   */
  documentFor(exchange: ClientExchange, target: string): DocumentRewriting | undefined {
    const kind = documentOf(exchange.request.method ?? '', target);
    const rewriting = kind && this.#rewriting(exchange);
    if (kind === undefined || rewriting === undefined) return undefined;
    const isHead = exchange.request.method === 'HEAD';
    return new DocumentRewriting(kind, isHead, this.#left, (link) =>
      this.#rewrite(rewriting, kind, link),
    );
  }

  /** Returns the rewriting for a client that came by an address of the proxy's own. */
  #rewriting(exchange: ClientExchange): LinkRewriting | undefined {
    const { request, head } = exchange;
    const { names, isTrusted, tlsPort } = this.#parts;
    const scheme = 'encrypted' in request.socket ? 'https' : 'http';
    const fields = isTrusted(request) ? head.headers : undefined;
    const origin = clientOrigin(scheme, head.facts.host, fields);
    if (origin === undefined || names.poolOf(origin.authority) !== undefined) return undefined;
    if (tlsPort === undefined || origin.scheme === 'https') return new LinkRewriting(origin, names);
    const port = tlsPort();
    const authority = port === undefined ? undefined : httpsAuthority(origin.authority, port);
    return new LinkRewriting(origin, names, { authority });
  }

  /** @param target the target of the request, if the link may redirect there */
  #rewrite(
    rewriting: LinkRewriting,
    kind: LinkKind,
    link: string,
    target?: string,
  ): Replacement | undefined {
    const replacement = rewriting.rewrite(link, (authority) => this.#left.left(kind, authority));
    if (replacement === undefined) return undefined;
    if (kind === 'location' && isLoop(rewriting.origin, target, link, replacement)) {
      this.#left.unchanged('redirect_loop');
      return undefined;
    }
    this.#parts.observer.linkRewritten(kind);
    return replacement;
  }
}

/**
 * Whether a redirect leads back to the request itself. This happens if the pool redirects from http to https, because
 * the client reaches both by one address.
 */
function isLoop(
  { scheme, authority }: ClientOrigin,
  target: string | undefined,
  link: string,
  replacement: Replacement,
): boolean {
  const rewritten = replacement.text + link.slice(replacement.length);
  return rewritten === `${scheme}://${authority}${target ?? ''}`;
}

/** Rewrites the links of one document. */
export class DocumentRewriting {
  readonly #kind: LinkDocument;
  readonly #isHead: boolean;
  readonly #left: LeftLinks;
  readonly #rewrite: (link: string) => Replacement | undefined;

  constructor(
    kind: LinkDocument,
    isHead: boolean,
    left: LeftLinks,
    rewrite: (link: string) => Replacement | undefined,
  ) {
    this.#kind = kind;
    this.#isHead = isHead;
    this.#left = left;
    this.#rewrite = rewrite;
  }

  /** Returns the fields of the request, which asks for the whole document. */
  requestFields(headers: readonly string[]): readonly string[] {
    const kept: string[] = [];
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string;
      if (!rangeFields.has(name.toLowerCase())) kept.push(name, headers[i + 1] as string);
    }
    return kept;
  }

  /** Returns the fields of an answer without a body. They must fit the body that another request got. */
  bodilessFields(status: number, headers: RawHeaders): RawHeaders {
    if (!this.#isHead && status !== notModified) return headers;
    if (this.#isHead && documentFormat(headerValue(headers, 'content-type')) === undefined) {
      return headers;
    }
    return rewrittenHead(headers, undefined);
  }

  /** Returns how the body of the answer changes; `undefined` if the body has no links. */
  body(status: number, headers: RawHeaders): BodyRewrite | undefined {
    const format = documentFormat(headerValue(headers, 'content-type'));
    if (format === undefined || status === partial) return undefined;
    const coding = codingOf(headerValue(headers, 'content-encoding'));
    if (coding === undefined) {
      this.#left.unchanged('coding');
      return undefined;
    }
    return {
      maxBytes: maxBodyBytes,
      tooLarge: () => this.#left.unchanged('too_large'),
      rewrite: (body) => {
        const original = { headers, body };
        if (body.length === 0) return original;
        const bytes = decoded(coding, body, maxBodyBytes);
        if (bytes === undefined) {
          this.#left.unchanged('coding');
          return original;
        }
        const rewritten = rewriteBody(bytes, format, linkNames[this.#kind], this.#rewrite);
        if (rewritten === undefined) this.#left.unchanged('malformed');
        if (rewritten === undefined || rewritten === bytes) return original;
        const coded = coding.encode(rewritten);
        return { headers: rewrittenHead(headers, coded.length), body: coded };
      },
    };
  }
}
