/**
 * Reads the fields by which a client names a call: `traceparent` and `tracestate` (W3C Trace Context, levels 1
 * and 2), `X-Request-Id` and `client-request-id`. A client can put any text into these fields. This file
 * returns only values with a bounded length and without characters that break a log line or a field.
 */
import type { RawHeaders } from './http-message.ts';

/** The span of the client that sent a call. */
export interface TraceParent {
  /** 32 lower case hexadecimal digits, not all of them zero. */
  readonly traceId: string;
  /** 16 lower case hexadecimal digits, not all of them zero. */
  readonly parentId: string;
  /** Whether the client may have recorded the trace. */
  readonly isSampled: boolean;
  /** Whether the last 7 bytes of `traceId` are random (level 2). */
  readonly isRandom: boolean;
}

/** The trace of a call, as the client describes it. */
export interface TraceContext extends TraceParent {
  /** The value of `tracestate`; empty if the client sent none, or an invalid one. */
  readonly state: string;
}

/** Version, trace id, parent id, flags; a later version may add fields. */
const traceparent = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const invalidVersion = 'ff';
const onlyZeros = /^0+$/;
const sampledFlag = 1;
const randomFlag = 2;
/** Longer values are invalid. Version 00 has 55 characters. */
const maxParentLength = 512;

/**
 * Reads a `traceparent`. Returns `undefined` if the value is invalid. A later version counts by the fields of
 * version 00.
 */
export function readTraceparent(value: string): TraceParent | undefined {
  if (value.length > maxParentLength) return undefined;
  const [, version, traceId = '', parentId = '', flags = '', more] = traceparent.exec(value) ?? [];
  if (version === undefined || version === invalidVersion) return undefined;
  if (version === '00' && more !== undefined) return undefined;
  if (onlyZeros.test(traceId) || onlyZeros.test(parentId)) return undefined;
  const bits = parseInt(flags, 16);
  return {
    traceId,
    parentId,
    isSampled: (bits & sampledFlag) !== 0,
    isRandom: (bits & randomFlag) !== 0,
  };
}

/** Returns the value of `traceparent`, in version 00. */
export function writeTraceparent(parent: TraceParent): string {
  const bits = (parent.isSampled ? sampledFlag : 0) | (parent.isRandom ? randomFlag : 0);
  return `00-${parent.traceId}-${parent.parentId}-0${bits}`;
}

const stateMember =
  /^([a-z0-9][a-z0-9_\-*/@]{0,255})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const maxStateMembers = 32;
const maxStateLength = 512;
const longMember = 128;
/** A longer value is invalid. The bound keeps the work for a hostile value small. */
const maxReadLength = 8192;

/**
 * Reads the values of all `tracestate` fields, joined by commas. Returns an empty string if the list is
 * invalid, has a key twice, or has more than 32 members. Above 512 characters it leaves out members: first
 * those with more than 128 characters, then members from the end.
 */
export function readTracestate(value: string): string {
  if (value.length > maxReadLength) return '';
  const full = value
    .split(',')
    .map(withoutBlanks)
    .filter((member) => member !== '');
  if (full.length > maxStateMembers) return '';
  const keys = full.map((member) => stateMember.exec(member)?.[1]);
  if (keys.includes(undefined) || new Set(keys).size < keys.length) return '';
  return withinBound(full).join(',');
}

/** A pattern for the blanks at the end would take quadratic time. */
function withoutBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text[from])) from += 1;
  while (from < to && isBlank(text[to - 1])) to -= 1;
  return text.slice(from, to);
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

function withinBound(members: readonly string[]): readonly string[] {
  if (members.join(',').length <= maxStateLength) return members;
  const kept = members.filter((member) => member.length <= longMember);
  while (kept.join(',').length > maxStateLength) kept.pop();
  return kept;
}

/** Returns the trace context of a request; `undefined` without a valid `traceparent`, or with two of them. */
export function readTraceContext(headers: RawHeaders): TraceContext | undefined {
  const [value, other] = valuesOf(headers, 'traceparent');
  if (value === undefined || other !== undefined) return undefined;
  const parent = readTraceparent(value);
  if (parent === undefined) return undefined;
  return { ...parent, state: readTracestate(valuesOf(headers, 'tracestate').join(',')) };
}

/** Fields with an id of the call, in the order of their rank. */
const idFields = ['x-request-id', 'client-request-id'] as const;

/** Common forms of ids, for example a GUID in braces. No SIP address and no text with blanks has this form. */
const safeId = /^[0-9A-Za-z][\w.:-]{0,127}$|^\{[\w-]{1,126}\}$/;

/**
 * Returns the id that the client gave to a call: `X-Request-Id`, else `client-request-id`, else the trace id of
 * `traceparent`. Returns `undefined` if the head has none that is valid. A field that occurs twice is invalid, and
 * so is an id that repeats a part of a credential.
 */
export function clientsId(headers: RawHeaders): string | undefined {
  for (const field of idFields) {
    const [value, other] = valuesOf(headers, field);
    if (value === undefined || other !== undefined || !safeId.test(value)) continue;
    if (!isFromCredential(value, headers)) return value;
  }
  const [value, other] = valuesOf(headers, 'traceparent');
  return value === undefined || other !== undefined ? undefined : readTraceparent(value)?.traceId;
}

const credentialFields = ['authorization', 'x-ms-webticket', 'cookie'] as const;
/** A shorter id can be a part of a credential by chance. */
const minSecretLength = 8;

/** Whether the id is a part of a credential. The log shows ids, so this id must not be used. */
function isFromCredential(id: string, headers: RawHeaders): boolean {
  if (id.length < minSecretLength) return false;
  return credentialFields.some((field) =>
    valuesOf(headers, field).some((value) => value.includes(id)),
  );
}

function valuesOf(headers: RawHeaders, lowerCaseName: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) {
      values.push(headers[i + 1] as string);
    }
  }
  return values;
}
