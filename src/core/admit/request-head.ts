/**
 * Step 1 of the flow: the raw head of a request, and one walk over its fields that notes everything
 * the later steps ask for. Nothing is copied and nothing is normalised: what is judged here is what
 * is sent.
 */
import { type RawHeaders, withHyphens } from '../messages/http-message.ts';
import { isSelfContained } from '../ucwa/credential-scheme.ts';

/** Such as `content_length` and `transfer-encoding!`; `x-transfer-encoding` is another name. */
const resemblesFraming = /^[^a-z]*(?:content[^a-z]*length|transfer[^a-z]*encoding)[^a-z]*$/;

const keyFields =
  /\b(?:authorization|x-ms-webticket|cookie|origin|x-ms-requiresminresourceversion)\b/i;

/** A host name, an IPv4 or a bracketed IPv6 address, and a port if there is one (RFC 9110 7.2). */
const authority = /^(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._~-]{1,253})(?::[0-9]{1,5})?$/;

export interface RequestHead {
  /** As on the wire; UCWA's are upper case. */
  readonly method: string;
  /** The request target, byte for byte. */
  readonly target: string;
  /** `1.1`, `1.0` or `0.9`. */
  readonly httpVersion: string;
  readonly headers: RawHeaders;
}

/** What the fields of one head say. `undefined`: no such field. */
export interface HeadFacts {
  hosts: number;
  host: string | undefined;
  /** A host is no authority. */
  hasIllegalHost: boolean;
  authorization: string | undefined;
  webTicket: string | undefined;
  cookie: string | undefined;
  origin: string | undefined;
  msOrigin: string | undefined;
  minVersion: string | undefined;
  forwardedFor: string | undefined;
  contentLength: string | undefined;
  contentType: string | undefined;
  contentEncoding: boolean;
  transferEncoding: string | undefined;
  accept: string | undefined;
  ucwaBatch: string | undefined;
  /** `Authorization` has a credential that signs in a connection, or one of an unknown kind. */
  signsIn: boolean;
  /** A field says that another proxy sent the request. */
  cameThroughProxy: boolean;
  /** `Authorization` or `X-MS-WebTicket` stands there more than once. */
  repeatedCredential: boolean;
  /** `Content-Type`, or a field of the batch key other than a credential, stands there more than once. */
  repeatedKeyField: boolean;
  /** A name that a lax reader takes for `Content-Length` or `Transfer-Encoding`. */
  resemblesFraming: boolean;
  range: boolean;
  upgrade: boolean;
  /** `Connection` names `Upgrade`: Node's parser drops what comes behind a head with both. */
  namesUpgrade: boolean;
  methodOverride: boolean;
  /** `Connection` names a field of the batch key, as if it ended here. */
  hidesKeyField: boolean;
  /** Bytes of all fields as they stand on the wire, line ends included. */
  bytes: number;
}

export function readHead(headers: RawHeaders): HeadFacts {
  const facts: HeadFacts = {
    hosts: 0,
    host: undefined,
    hasIllegalHost: false,
    authorization: undefined,
    webTicket: undefined,
    cookie: undefined,
    origin: undefined,
    msOrigin: undefined,
    minVersion: undefined,
    forwardedFor: undefined,
    contentLength: undefined,
    contentType: undefined,
    contentEncoding: false,
    transferEncoding: undefined,
    accept: undefined,
    ucwaBatch: undefined,
    signsIn: false,
    cameThroughProxy: false,
    repeatedCredential: false,
    repeatedKeyField: false,
    resemblesFraming: false,
    range: false,
    upgrade: false,
    namesUpgrade: false,
    methodOverride: false,
    hidesKeyField: false,
    bytes: 0,
  };
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    facts.bytes += name.length + value.length + 4;
    note(facts, name.toLowerCase(), value);
  }
  return facts;
}

function note(facts: HeadFacts, name: string, value: string): void {
  switch (name) {
    case 'host':
      facts.hosts += 1;
      facts.host ??= value;
      facts.hasIllegalHost ||= !authority.test(value);
      break;
    case 'authorization':
      facts.repeatedCredential ||= facts.authorization !== undefined;
      facts.authorization = value;
      facts.signsIn ||= !isSelfContained(value);
      break;
    case 'x-ms-webticket':
      facts.repeatedCredential ||= facts.webTicket !== undefined;
      facts.webTicket = value;
      break;
    case 'cookie':
      facts.repeatedKeyField ||= facts.cookie !== undefined;
      facts.cookie = value;
      break;
    case 'origin':
      facts.repeatedKeyField ||= facts.origin !== undefined;
      facts.origin = value;
      break;
    case 'x-ms-origin':
      facts.repeatedKeyField ||= facts.msOrigin !== undefined;
      facts.msOrigin = value;
      break;
    case 'x-ms-requiresminresourceversion':
      facts.repeatedKeyField ||= facts.minVersion !== undefined;
      facts.minVersion = value;
      break;
    case 'x-forwarded-for':
      facts.cameThroughProxy = true;
      facts.forwardedFor =
        facts.forwardedFor === undefined ? value : `${facts.forwardedFor}, ${value}`;
      break;
    case 'content-length':
      facts.contentLength = value;
      break;
    case 'content-type':
      facts.repeatedKeyField ||= facts.contentType !== undefined;
      facts.contentType = value;
      break;
    case 'content-encoding':
      facts.contentEncoding = true;
      break;
    case 'transfer-encoding':
      facts.transferEncoding =
        facts.transferEncoding === undefined ? value : `${facts.transferEncoding}, ${value}`;
      break;
    case 'accept':
      facts.accept ??= value;
      break;
    case 'x-ucwa-batch':
      facts.ucwaBatch = value;
      break;
    case 'connection':
      facts.hidesKeyField ||= keyFields.test(value);
      facts.namesUpgrade ||= /\bupgrade\b/i.test(value);
      break;
    case 'range':
      facts.range = true;
      break;
    case 'upgrade':
      facts.upgrade = true;
      break;
    case 'x-http-method':
    case 'x-http-method-override':
    case 'x-method-override':
      facts.methodOverride = true;
      break;
    default:
      facts.cameThroughProxy ||= isFieldOfProxies(name);
      facts.resemblesFraming ||= resemblesFraming.test(name);
      break;
  }
}

/** Encodes answers for callers who accept only XML as `application/problem+xml`. */
export function acceptsOnlyXml(accept: string | undefined): boolean {
  return (
    accept !== undefined && /xml/i.test(accept) && !/json|\*\/\*|application\/\*/i.test(accept)
  );
}

const fieldsOfProxies: ReadonlySet<string> = new Set(['via', 'forwarded', 'x-real-ip']);
const prefixOfProxies = 'x-forwarded-';

/**
 * Whether a field of that name, in lower case, says that another proxy sent the request. The
 * connections of that proxy may carry the requests of many users.
 */
export function isFieldOfProxies(lowerCaseName: string): boolean {
  const name = withHyphens(lowerCaseName);
  return fieldsOfProxies.has(name) || name.startsWith(prefixOfProxies);
}
