/**
 * Heads that came before. A client says the same of itself with most of its calls, whose targets alone
 * differ; what was found out of such a head once is not found out again, and calls that say the same
 * share it, so that the later steps see at a glance that they do.
 */
import type { RawHeaders } from '../messages/http-message.ts';
import { batchKey, type BatchKey, credentialsOf } from '../ucwa/batch-key.ts';
import { readHead, type HeadFacts, acceptsOnlyXml } from './request-head.ts';

/** The name of the user of some credentials, see `BatchKey.user`; never one name for two of them. */
export type NameUser = (credentials: string) => string;

/** The fields of a head, and what follows from them alone. */
export class KnownHead {
  readonly headers: RawHeaders;
  readonly facts: HeadFacts;
  /**
   * See `BatchKey.user`. Empty without credentials, and for a credential that signs in a connection: it
   * names no user.
   */
  readonly user: string;
  readonly onlyXml: boolean;
  /** Whether the client wants to hear what became of its calls. */
  readonly explain: boolean;
  /** What it takes of memory, about: many short fields take more than their text. */
  readonly costBytes: number;
  #key: BatchKey | undefined;

  constructor(headers: RawHeaders, nameUser: NameUser) {
    this.headers = headers;
    this.facts = readHead(headers);
    const credentials = this.facts.signsIn ? '' : credentialsOf(this.facts);
    this.user = credentials === '' ? '' : nameUser(credentials);
    this.onlyXml = acceptsOnlyXml(this.facts.accept);
    this.explain = this.facts.ucwaBatch?.toLowerCase() === 'explain';
    this.costBytes = this.facts.bytes + stringBytes * headers.length;
  }

  /** The application that the last key was for. */
  get applicationPath(): string | undefined {
    return this.#key?.applicationPath;
  }

  /** See `batchKey`; the same object as before, if it would be equal. */
  keyOf(applicationPath: string, forwardedFor: string | undefined): BatchKey {
    const known = this.#key;
    if (known?.applicationPath === applicationPath && known.forwardedFor === forwardedFor) {
      return known;
    }
    return (this.#key = batchKey(applicationPath, this.facts, forwardedFor, this.user));
  }

  /** Whether these are its fields, byte for byte and in their order. */
  has(headers: RawHeaders): boolean {
    const own = this.headers;
    if (own.length !== headers.length) return false;
    for (let i = 0; i < own.length; i += 1) if (own[i] !== headers[i]) return false;
    return true;
  }
}

/** What V8 keeps beside the text of a string in a list. */
const stringBytes = 40;
const maxHeads = 1024;

/** The last head of each user, until it is forgotten. */
export class RequestHeadCache {
  readonly #ofUser = new Map<string, KnownHead>();
  readonly #nameUser: NameUser;
  #costBytes = 0;

  constructor(nameUser: NameUser) {
    this.#nameUser = nameUser;
  }

  /** Of all heads that were new since others were forgotten, whoever keeps them. */
  get costBytes(): number {
    return this.#costBytes;
  }

  /** `before`: the head before on the same connection, most likely the same. */
  read(headers: RawHeaders, before: KnownHead | undefined): KnownHead {
    if (before?.has(headers) === true) return before;
    const user = userOf(headers);
    const known = this.#ofUser.get(user);
    if (known?.has(headers) === true) return known;
    const head = new KnownHead(headers, this.#nameUser);
    if (known === undefined && this.#ofUser.size >= maxHeads) this.#ofUser.clear();
    this.#ofUser.set(user, head);
    this.#costBytes += head.costBytes;
    return head;
  }

  /** Nothing is kept of who is not there any more. */
  forget(): void {
    this.#ofUser.clear();
    this.#costBytes = 0;
  }
}

/** The credentials of a head, as `credentialsOf` has them, without reading the rest of it. */
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
