/**
 * A cache of request heads. Most calls of one client have the same fields and differ only in their targets. The
 * cache keeps the facts about the last head of each user, so the proxy reads the same fields only once. Calls
 * with the same fields share one object, so later steps compare them by reference.
 */
import { type Offer, offerOf } from '../coding/offer.ts';
import { strongConditions } from '../coding/strong-conditions.ts';
import type { RawHeaders } from '../messages/http-message.ts';
import { batchKey, type BatchKey, credentialsOf } from '../ucwa/batch-key.ts';
import {
  describedByPeer,
  type ForwardedFields,
  sameForwarded,
} from '../messages/forwarded-fields.ts';
import { type BatchWish, readBatchWish } from '../messages/batch-wish.ts';
import { clientsId } from '../messages/trace-context.ts';
import { urgencyOf } from '../messages/urgency.ts';
import type { Destination, PoolNames } from './pool-names.ts';
import { acceptsOnlyXml, announcesBody, type HeadFacts, readHead } from './request-head.ts';

/**
 * Returns the name of the user with these credentials at this pool, see `BatchKey.user`. One credential at two
 * pools is two users. Two credentials have the same name only by a collision of the hash.
 */
export type NameUser = (credentials: string, poolName: string) => string;

/** The fields of a head, and the facts that follow from the fields alone. */
export class KnownHead {
  readonly headers: RawHeaders;
  readonly facts: HeadFacts;
  /** The pool of the request, by `Host`. It is `undefined` if no pool has this name. */
  readonly destination: Destination | undefined;
  /**
   * See `BatchKey.user`. Empty if the head has no credentials, or a credential that signs in a connection
   * (NTLM).
   */
  readonly user: string;
  /** See `acceptsOnlyXml`. */
  readonly onlyXml: boolean;
  /** Whether the fields announce a body. */
  readonly hasBody: boolean;
  /** See `BatchWish`; `undefined` without `X-Ucwa-Batch`. */
  readonly wish: BatchWish | undefined;
  /** Whether the answer says how the proxy handled the call. */
  readonly explain: boolean;
  /** See `clientsId`. */
  readonly callId: string | undefined;
  /** See `offerOf`. */
  readonly offer: Offer | undefined;
  /** The fields for the pool if the proxy codes answers. See `strongConditions`. */
  readonly forwardable: RawHeaders;
  /** See `Arrival.urgency`. */
  readonly urgency: number | undefined;
  /** An estimate of the memory that the head takes. Many short fields take more than their text. */
  readonly costBytes: number;
  /** The names of the pools that chose the destination, see `PoolNames`. */
  readonly revision: number;
  #key: BatchKey | undefined;
  #describedByPeer: ForwardedFields | undefined;

  constructor(headers: RawHeaders, nameUser: NameUser, names: PoolNames) {
    this.headers = headers;
    this.facts = readHead(headers);
    this.revision = names.revision;
    this.destination = names.find(this.facts.host);
    const credentials = this.facts.signsIn ? '' : credentialsOf(this.facts);
    this.user = credentials === '' ? '' : nameUser(credentials, this.destination?.poolName ?? '');
    this.onlyXml = acceptsOnlyXml(this.facts.accept);
    this.hasBody = announcesBody(this.facts);
    const { ucwaBatch } = this.facts;
    this.wish = ucwaBatch === undefined ? undefined : readBatchWish(ucwaBatch);
    this.explain = this.wish?.explain === true;
    this.callId = this.facts.hasCallId ? clientsId(headers) : undefined;
    this.offer = this.facts.acceptEncoding === undefined ? undefined : offerOf(this.facts);
    const isWeak = this.offer !== undefined && this.facts.hasWeakIfMatch;
    this.forwardable = isWeak ? strongConditions(headers) : headers;
    const { priority } = this.facts;
    this.urgency = priority === undefined ? undefined : urgencyOf(priority);
    this.costBytes = this.facts.bytes + stringBytes * headers.length;
  }

  /** See `describedByPeer`. */
  get describedByPeer(): ForwardedFields {
    return (this.#describedByPeer ??= describedByPeer(this.facts));
  }

  /** The application of the last key; `undefined` before the first key. */
  get applicationPath(): string | undefined {
    return this.#key?.applicationPath;
  }

  /** Returns the batch key of a call with this head, see `batchKey`. Equal keys are one object. */
  keyOf(applicationPath: string, forwarded: ForwardedFields): BatchKey {
    const known = this.#key;
    if (
      known?.applicationPath === applicationPath &&
      (known.forwarded === forwarded || sameForwarded(known.forwarded, forwarded))
    ) {
      return known;
    }
    const authority = this.destination?.authority ?? '';
    return (this.#key = batchKey(applicationPath, this.facts, authority, forwarded, this.user));
  }

  /** Whether the head has exactly these fields, byte for byte and in this order. */
  has(headers: RawHeaders): boolean {
    const own = this.headers;
    if (own.length !== headers.length) return false;
    for (let i = 0; i < own.length; i += 1) if (own[i] !== headers[i]) return false;
    return true;
  }
}

/** Memory that V8 takes for a string in a list, without the text. */
const stringBytes = 40;
const maxHeads = 1024;

/**
 * Keeps the last head of each user. When it has `maxHeads` heads and a new user comes, it drops all of them.
 */
export class RequestHeadCache {
  readonly #ofUser = new Map<string, KnownHead>();
  readonly #nameUser: NameUser;
  readonly #names: PoolNames;
  #costBytes = 0;

  constructor(nameUser: NameUser, names: PoolNames) {
    this.#nameUser = nameUser;
    this.#names = names;
  }

  /** The memory of all heads that were new since the last `forget`, replaced heads included. */
  get costBytes(): number {
    return this.#costBytes;
  }

  /**
   * Returns the cached head with these fields, or reads and caches a new one.
   *
   * @param previous the previous head on the same connection, which most likely has the same fields
   */
  read(headers: RawHeaders, previous: KnownHead | undefined): KnownHead {
    const { revision } = this.#names;
    if (previous?.revision === revision && previous.has(headers)) return previous;
    const user = userOf(headers);
    const known = this.#ofUser.get(user);
    if (known?.revision === revision && known.has(headers)) return known;
    const head = new KnownHead(headers, this.#nameUser, this.#names);
    if (known === undefined && this.#ofUser.size >= maxHeads) this.#ofUser.clear();
    this.#ofUser.set(user, head);
    this.#costBytes += head.costBytes;
    return head;
  }

  /** Drops all heads, so that none stays of users that are gone. */
  forget(): void {
    this.#ofUser.clear();
    this.#costBytes = 0;
  }
}

/** Returns the same string as `credentialsOf`, without reading the other fields of the head. */
function userOf(headers: RawHeaders): string {
  let authorization: string | undefined;
  let webTicket: string | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string;
    const isToken = name.length === 13 && name.toLowerCase() === 'authorization';
    const isTicket = name.length === 14 && name.toLowerCase() === 'x-ms-webticket';
    if (isToken) authorization = headers[i + 1];
    else if (isTicket) webTicket = headers[i + 1];
  }
  return credentialsOf({ authorization, webTicket });
}
