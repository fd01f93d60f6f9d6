/**
 * Step 1: one pass over the fields of a request head collects all facts for the later steps. The proxy neither
 * copies nor normalizes the fields, so the bytes that it checks are the bytes that it sends.
 */
import { type RawHeaders, withHyphens } from '../messages/http-message.ts';
import { isSelfContained } from '../ucwa/credential-scheme.ts';

/** Matches `content_length` and `transfer-encoding!`, but not `x-transfer-encoding`. */
const resemblesFraming = /^[^a-z]*(?:content[^a-z]*length|transfer[^a-z]*encoding)[^a-z]*$/;

/** Matches the value of `Connection` if it names a field of the batch key. */
const keyFields =
  /\b(?:authorization|x-ms-webticket|cookie|origin|x-ms-requiresminresourceversion)\b/i;

/** A host name, an IPv4 address or an IPv6 address in brackets, with an optional port (RFC 9110 section 7.2). */
const authority = /^(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._~-]{1,253})(?::[0-9]{1,5})?$/;

/** The head of a request as Node's parser delivers it. */
export interface RequestHead {
  /** The method with its case unchanged. UCWA's methods are upper case. */
  readonly method: string;
  /** The request target, byte for byte. */
  readonly target: string;
  /** `1.1`, `1.0` or `0.9`; `2` for HTTP/2. */
  readonly httpVersion: string;
  readonly headers: RawHeaders;
}

/** Facts about the fields of one head. `undefined`: the head does not have the field. */
export interface HeadFacts {
  /** The number of `Host` fields. */
  hosts: number;
  /** The first `Host`. */
  host: string | undefined;
  /** Whether a `Host` is no legal authority. */
  hasIllegalHost: boolean;
  authorization: string | undefined;
  webTicket: string | undefined;
  cookie: string | undefined;
  origin: string | undefined;
  msOrigin: string | undefined;
  minVersion: string | undefined;
  forwarded: string | undefined;
  forwardedFor: string | undefined;
  forwardedHost: string | undefined;
  forwardedProto: string | undefined;
  contentLength: string | undefined;
  contentType: string | undefined;
  contentEncoding: boolean;
  transferEncoding: string | undefined;
  accept: string | undefined;
  acceptEncoding: string | undefined;
  /** Whether `Cache-Control` has `no-transform`: the caller wants the bytes of the pool. */
  noTransform: boolean;
  /** Whether `If-Match` has a weak tag. */
  hasWeakIfMatch: boolean;
  /** Whether `Cache-Control` has `no-cache`: the caller wants an answer of its own. */
  noCache: boolean;
  ucwaBatch: string | undefined;
  priority: string | undefined;
  /** Whether a field can give the call an id, see `clientsId`. */
  hasCallId: boolean;
  /** Whether the credential in `Authorization` is not self-contained, see `isSelfContained`. */
  signsIn: boolean;
  /** Whether a field shows that another proxy forwarded the request. */
  cameThroughProxy: boolean;
  /** Whether the head has two `Authorization` or two `X-MS-WebTicket` fields. */
  repeatedCredential: boolean;
  /** Whether the head has two `Content-Type` fields, or two of a field of the batch key that is no credential. */
  repeatedKeyField: boolean;
  /** Whether a lax server could read a field name as `Content-Length` or `Transfer-Encoding`. */
  resemblesFraming: boolean;
  range: boolean;
  upgrade: boolean;
  /** Whether `Connection` names `Upgrade`. Node's parser drops the bytes behind a head with both fields. */
  namesUpgrade: boolean;
  /** Whether a field asks the server to treat the request as one of another method. */
  methodOverride: boolean;
  /** Whether `Connection` names a field of the batch key, which would make the field hop-by-hop. */
  hidesKeyField: boolean;
  /** The length of all fields on the wire in bytes, line ends included. */
  bytes: number;
}

/** Reads all fields of a head once. */
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
    forwarded: undefined,
    forwardedFor: undefined,
    forwardedHost: undefined,
    forwardedProto: undefined,
    contentLength: undefined,
    contentType: undefined,
    contentEncoding: false,
    transferEncoding: undefined,
    accept: undefined,
    acceptEncoding: undefined,
    noTransform: false,
    hasWeakIfMatch: false,
    noCache: false,
    ucwaBatch: undefined,
    priority: undefined,
    hasCallId: false,
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
    addField(facts, name.toLowerCase(), value);
  }
  return facts;
}

function addField(facts: HeadFacts, name: string, value: string): void {
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
      facts.forwardedFor = joined(facts.forwardedFor, value);
      break;
    case 'x-forwarded-host':
      facts.cameThroughProxy = true;
      facts.forwardedHost = joined(facts.forwardedHost, value);
      break;
    case 'x-forwarded-proto':
      facts.cameThroughProxy = true;
      facts.forwardedProto = joined(facts.forwardedProto, value);
      break;
    case 'forwarded':
      facts.cameThroughProxy = true;
      facts.forwarded = joined(facts.forwarded, value);
      break;
    case 'cache-control':
      facts.noCache ||= /\bno-cache\b/i.test(value);
      facts.noTransform ||= /\bno-transform\b/i.test(value);
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
      facts.transferEncoding = joined(facts.transferEncoding, value);
      break;
    case 'accept':
      facts.accept ??= value;
      break;
    case 'accept-encoding':
      facts.acceptEncoding = joined(facts.acceptEncoding, value);
      break;
    case 'if-match':
      facts.hasWeakIfMatch ||= value.includes('W/');
      break;
    case 'x-ucwa-batch':
      facts.ucwaBatch = joined(facts.ucwaBatch, value);
      break;
    case 'priority':
      facts.priority = joined(facts.priority, value);
      break;
    case 'x-request-id':
    case 'client-request-id':
    case 'traceparent':
      facts.hasCallId = true;
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

/** Whether the head announces a body. */
export function announcesBody({ contentLength, transferEncoding }: HeadFacts): boolean {
  return transferEncoding !== undefined || (contentLength ?? '0') !== '0';
}

function joined(earlier: string | undefined, value: string): string {
  return earlier === undefined ? value : `${earlier}, ${value}`;
}

/** Whether the value of `Accept` allows XML but not JSON. The proxy's own answers to these callers are XML. */
export function acceptsOnlyXml(accept: string | undefined): boolean {
  return (
    accept !== undefined && /xml/i.test(accept) && !/json|\*\/\*|application\/\*/i.test(accept)
  );
}

const fieldsOfProxies: ReadonlySet<string> = new Set(['via', 'forwarded', 'x-real-ip']);
const prefixOfProxies = 'x-forwarded-';

/**
 * Whether a field with this name, in lower case, shows that another proxy forwarded the request. The
 * connections of that proxy may carry requests of many users.
 */
export function isFieldOfProxies(lowerCaseName: string): boolean {
  const name = withHyphens(lowerCaseName);
  return fieldsOfProxies.has(name) || name.startsWith(prefixOfProxies);
}
