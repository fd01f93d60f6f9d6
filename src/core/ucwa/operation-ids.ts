/**
 * The ids by which a client recognizes the events of its operations. The client sends an id with the POST, in
 * its body or its query. The pool repeats the id in each event of the operation.
 */
import { referencedCharacter } from './xml-references.ts';

/** Limit for the characters of one id. UCWA documents no limit; real ids are GUIDs. */
const maxIdLength = 512;
/** Limit for the ids of one POST, which needs one or two. */
const maxIds = 16;

const inJson = new RegExp(
  `"operation(?:Id|Context)"\\s{0,20}:\\s{0,20}("(?:[^"\\\\]|\\\\.){0,${maxIdLength}}"|[\\w.+-]{1,${maxIdLength}})`,
  'gi',
);
/** An element, or an element `property` with this name. */
const inXml = new RegExp(
  `operation(?:Id|Context)["']?[^<>]{0,200}>([^<]{0,${maxIdLength}})</`,
  'gi',
);
const inQuery = new RegExp(`[?&]operation(?:Id|Context)=([^&#]{0,${maxIdLength}})`, 'gi');

/**
 * Returns the operation ids of a POST, from its query and its body.
 *
 * @param body JSON, XML or the form of a query; other bodies have no ids
 */
export function operationIdsOf(target: string, body: string): string[] {
  const ids = matches(target, inQuery).map(decodedFromQuery);
  if (body !== '') {
    ids.push(
      ...matches(body, inJson).map(decodedFromJson),
      ...matches(body, inXml).map(decodedFromXml),
      ...matches(`?${body}`, inQuery).map(decodedFromQuery),
    );
  }
  return ids.filter((id) => id !== '').slice(0, maxIds);
}

/** Whether a property with this name is an operation id. */
export function isOperationId(name: string): boolean {
  return /^operation(?:id|context)$/i.test(name);
}

/** Returns the operation ids in a piece of XML. */
export function operationIdsInXml(xml: string): string[] {
  return matches(xml, inXml).map(decodedFromXml);
}

/** Replaces the references to predefined entities and to characters of XML. Other references stay. */
export function decodedFromXml(text: string): string {
  return text.trim().replace(/&[^&;]*;/g, (reference) => {
    const character = referencedCharacter(reference) ?? '';
    return character === '' ? reference : character;
  });
}

function matches(text: string, pattern: RegExp): string[] {
  return Array.from(text.matchAll(pattern), ([, id = '']) => id);
}

function decodedFromQuery(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

function decodedFromJson(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
