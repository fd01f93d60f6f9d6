/**
 * Challenges in responses of the pool (RFC 9110 section 11.6.1). Some schemes, such as NTLM, sign in a
 * connection. Their challenge marks the connection on which it arrived, because a client signs in there when it
 * answers the challenge.
 */
import type { RawHeaders } from '../messages/http-message.ts';
import { challengeSchemes } from '../ucwa/credential-scheme.ts';

/**
 * Fields by which a server offers or confirms a sign-in of the connection (RFC 4559 sections 4 and 6), in lower
 * case.
 */
const marks: ReadonlySet<string> = new Set([
  'www-authenticate',
  'proxy-authenticate',
  'persistent-auth',
  'proxy-support',
]);
const markLengths: ReadonlySet<number> = new Set(Array.from(marks, ({ length }) => length));

/** Matches the start of a challenge: a scheme, alone or with parameters. Does not match `name=value`. */
const opening = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:[ \t]+(?![ \t=])|$)/;

/**
 * Returns the challenges in one field value, each in its original spelling. Commas separate both challenges and
 * their parameters. An element that starts with a scheme begins a new challenge; any other element is a
 * parameter.
 */
function challengesIn(value: string): string[] {
  const challenges: string[] = [];
  for (const element of elementsOf(value)) {
    const parametersOf = opening.test(element) ? undefined : challenges.pop();
    challenges.push(parametersOf === undefined ? element : `${parametersOf}, ${element}`);
  }
  return challenges;
}

function elementsOf(value: string): string[] {
  return elementRanges(value).map(([from, to]) => value.slice(from, to));
}

/**
 * Splits a field value at its commas, but not at commas in quoted strings. A quoted string without an end
 * reaches to the end of the value. Returns the start and end of each element, without blanks around the element.
 */
export function elementRanges(value: string): ReadonlyArray<readonly [from: number, to: number]> {
  const ranges: Array<readonly [from: number, to: number]> = [];
  let from = 0;
  let isQuoted = false;
  const add = (to: number): void => {
    const element = value.slice(from, to);
    const start = to - element.trimStart().length;
    if (start < to) ranges.push([start, start + element.trim().length]);
    from = to + 1;
  };
  for (let at = 0; at <= value.length; at += 1) {
    const character = value[at];
    if (isQuoted && character === '\\') at += 1;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === undefined || (character === ',' && !isQuoted)) add(at);
  }
  if (from < value.length) add(value.length);
  return ranges;
}

/** Returns the scheme that begins a challenge, in lower case; `undefined` if the element is a parameter. */
export function schemeOf(element: string): { name: string; length: number } | undefined {
  const match = opening.exec(element);
  return match === null
    ? undefined
    : { name: (match[1] ?? '').toLowerCase(), length: match[0].length };
}

function isSelfContained(challenge: string): boolean {
  const scheme = schemeOf(challenge)?.name;
  return scheme !== undefined && challengeSchemes.has(scheme);
}

function offersConnection(value: string): boolean {
  return challengesIn(value).some((challenge) => !isSelfContained(challenge));
}

function isChallengeField(name: string): boolean {
  return name.length === 16 && name.toLowerCase() === 'www-authenticate';
}

/** Whether the head of a response has a challenge that signs in a connection. */
export function challengesConnection(headers: RawHeaders): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if (!isChallengeField(headers[i] as string)) continue;
    if (offersConnection(headers[i + 1] ?? '')) return true;
  }
  return false;
}

/**
 * Whether the head of a response shows that its connection is signed in, or that the next request could sign it
 * in. Other users' requests must not be sent on this connection.
 */
export function marksConnection(headers: RawHeaders): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    const field = headers[i] as string;
    if (!markLengths.has(field.length)) continue;
    const name = field.toLowerCase();
    if (!marks.has(name)) continue;
    const isChallenge = name.endsWith('-authenticate');
    if (!isChallenge || offersConnection(headers[i + 1] ?? '')) return true;
  }
  return false;
}

/**
 * Returns the fields of a response without the challenges that sign in a connection. Returns `headers` itself
 * if there are no such challenges, or if there are no others, because the client then needs the response of the
 * pool unchanged.
 */
export function withoutConnectionChallenges(headers: RawHeaders): RawHeaders {
  const kept: string[] = [];
  let offersOther = false;
  let isChanged = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] ?? '';
    if (!isChallengeField(name)) {
      kept.push(name, value);
      continue;
    }
    const challenges = challengesIn(value);
    const others = challenges.filter(isSelfContained);
    offersOther ||= others.length > 0;
    if (others.length === challenges.length) kept.push(name, value);
    else {
      isChanged = true;
      if (others.length > 0) kept.push(name, others.join(', '));
    }
  }
  return isChanged && offersOther ? kept : headers;
}
