/**
 * Challenges in the pool's answers (RFC 9110 section 11.6.1). A challenge of a scheme that signs in a
 * connection marks the connection that it came on: who answers it is signed in there.
 */
import type { RawHeaders } from '../messages/http-message.ts';
import { challengeSchemes } from '../ucwa/credential-scheme.ts';

/**
 * Fields by which a server offers a sign-in of the connection, or says that there was one (RFC 4559
 * sections 4 and 6).
 */
const marks: ReadonlySet<string> = new Set([
  'www-authenticate',
  'proxy-authenticate',
  'persistent-auth',
  'proxy-support',
]);
const markLengths: ReadonlySet<number> = new Set(Array.from(marks, ({ length }) => length));

/** A scheme alone, or a scheme and what belongs to it; not `name=value`. */
const opening = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:[ \t]+(?![ \t=])|$)/;

/**
 * The challenges of one field value, each as it stands there. Commas separate challenges and their
 * parameters alike; an element that opens with a scheme begins a new challenge. Commas in quoted strings
 * separate nothing; a quoted string that does not close reaches to the end.
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
  const elements: string[] = [];
  let from = 0;
  let isQuoted = false;
  for (let at = 0; at <= value.length; at += 1) {
    const character = value[at];
    if (isQuoted && character === '\\') at += 1;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === undefined || (character === ',' && !isQuoted)) {
      const element = value.slice(from, at).trim();
      if (element !== '') elements.push(element);
      from = at + 1;
    }
  }
  if (from < value.length) elements.push(value.slice(from).trim());
  return elements;
}

function isSelfContained(challenge: string): boolean {
  const scheme = opening.exec(challenge)?.[1];
  return scheme !== undefined && challengeSchemes.has(scheme.toLowerCase());
}

function offersConnection(value: string): boolean {
  return challengesIn(value).some((challenge) => !isSelfContained(challenge));
}

function isChallengeField(name: string): boolean {
  return name.length === 16 && name.toLowerCase() === 'www-authenticate';
}

/** Whether the fields of an answer challenge with a scheme that signs in a connection. */
export function challengesConnection(headers: RawHeaders): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if (!isChallengeField(headers[i] as string)) continue;
    if (offersConnection(headers[i + 1] ?? '')) return true;
  }
  return false;
}

/**
 * Whether the fields of an answer show that the connection that it came on is signed in, or can be by
 * the next request on it.
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
 * The fields of an answer without challenges that sign in a connection, if it offers another
 * challenge too. A client that is offered nothing else is left with what the pool says. The same list, if
 * nothing is taken out.
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
