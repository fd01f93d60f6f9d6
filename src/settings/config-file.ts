import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLError } from 'yaml';
import { type ItemLeaf, itemLeaves, type Leaf, leaves, listKeys } from './describe-settings.ts';
import { complaint, distrust, type Findings, shown, take } from './findings.ts';
import { nearest } from './nearest.ts';

/** All settings by key. The items of lists have keys such as `pools[].name`. */
const readable: ReadonlyMap<string, Leaf | ItemLeaf> = new Map<string, Leaf | ItemLeaf>([
  ...leaves,
  ...itemLeaves,
]);

/** Keys that hold other keys: `upstream`, `upstream.tls`, `pools[]`, `pools[].tls`, ... */
const sections: ReadonlySet<string> = new Set(
  [...readable.keys()].flatMap((key) => {
    const names = key.split('.').slice(0, -1);
    return names.map((_, i) => names.slice(0, i + 1).join('.'));
  }),
);

/**
 * Adds the settings of a YAML file to `found`. If the text is not valid YAML, no setting is taken from
 * it, because the parsed values may be wrong.
 */
export function takeConfigFile(found: Findings, file: string, text: string): void {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false, // pretty errors quote lines, which may contain secrets
    schema: 'core',
    uniqueKeys: false, // takeSection() reports duplicate keys with their full name
  });
  const placeAt = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const placeOf = (node: unknown, otherwise: string) => {
    const { range } = (node ?? {}) as { range?: readonly number[] };
    return range?.[0] === undefined ? otherwise : placeAt(range[0]);
  };
  const resolved = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);

  /** Returns the value of a node down to list items, so that an alias that contains itself ends. */
  const valueOf = (node: unknown): unknown => {
    const target = resolved(node);
    return isSeq(target)
      ? target.items.map((item) => shallowValue(resolved(item)))
      : shallowValue(target);
  };

  const takeSection = (node: unknown, section: string, place: string): void => {
    const map = resolved(node);
    if (valueOf(map) === null) return;
    if (!isMap(map)) {
      distrust(found, section);
      const where = section === '' ? place : `${place} ${section}`;
      found.problems.push(`${where}: expected a mapping of keys, found ${shown(valueOf(map))}`);
      return;
    }
    const placesByName = new Map<string, string>();
    for (const pair of map.items) {
      const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
      const key = section === '' ? name : `${section}.${name}`;
      const keyPlace = placeOf(pair.key, place);
      const valuePlace = placeOf(pair.value, keyPlace);
      const shape = shapeOf(key);
      const leaf = readable.get(shape);
      const firstPlace = placesByName.get(name);
      if (firstPlace !== undefined) {
        distrust(found, key);
        found.problems.push(
          complaint(keyPlace, key, 'one value', `a second one (first: ${firstPlace})`),
        );
      } else if (name.includes('.')) {
        found.problems.push(
          `${keyPlace} ${key}: unknown key, dotted names are written as nested keys`,
        );
      } else if (leaf) {
        const target = resolved(pair.value);
        const items = isSeq(target) ? target.items : [];
        const itemPlaces = items.map((item) => placeOf(item, valuePlace));
        take(found, { ...leaf, key }, valueOf(pair.value), valuePlace, itemPlaces);
      } else if (listKeys.has(key)) {
        takeList(pair.value, key, valuePlace);
      } else if (sections.has(shape)) {
        takeSection(pair.value, key, valuePlace);
      } else {
        found.problems.push(`${keyPlace} ${key}: unknown key, ${knownKeys(section, name)}`);
      }
      placesByName.set(name, firstPlace ?? keyPlace);
    }
  };

  /** Takes a list with items that have keys of their own. After a mistake in it the whole list is broken. */
  const takeList = (node: unknown, list: string, place: string): void => {
    const problemsBefore = found.problems.length;
    const seq = resolved(node);
    if (valueOf(seq) !== null && !isSeq(seq)) {
      found.problems.push(
        `${place} ${list}: expected a list of mappings, found ${shown(valueOf(seq))}`,
      );
    }
    for (const [i, item] of isSeq(seq) ? seq.items.entries() : []) {
      const key = `${list}[${i}]`;
      const itemPlace = placeOf(item, place);
      if (isMap(resolved(item))) takeSection(item, key, itemPlace);
      else {
        const what = shown(valueOf(resolved(item)));
        found.problems.push(`${itemPlace} ${key}: expected a mapping of keys, found ${what}`);
        continue;
      }
      for (const leaf of itemLeaves.values()) {
        const own = `${key}${leaf.key.slice(`${list}[]`.length)}`;
        if (!leaf.key.startsWith(`${list}[]`) || !leaf.isRequired) continue;
        if (found.given.has(own) || found.broken.has(own)) continue;
        found.problems.push(complaint(itemPlace, own, leaf.accepts, 'nothing'));
      }
    }
    if (found.problems.length > problemsBefore) found.broken.add(list);
  };

  const faults = firstOfEachLine([...document.errors, ...document.warnings], lineCounter);
  for (const fault of faults) {
    // The text after a colon quotes the file, which may contain secrets.
    const reason = fault.message.replace(/(?<=\w): .*$/s, '');
    found.problems.push(`${placeAt(fault.pos[0])}: not valid YAML: ${reason}`);
  }
  if (faults.length > 0) distrust(found, '');
  else takeSection(document.contents, '', placeOf(document.contents, file));
}

/** Returns the value of a scalar, and an empty list or mapping for a collection. */
function shallowValue(node: unknown): unknown {
  if (isScalar(node)) return node.value;
  return isSeq(node) ? [] : isMap(node) ? {} : null;
}

/** Returns the first fault of each line, because one mistake often causes several on its line. */
function firstOfEachLine(faults: readonly YAMLError[], lineCounter: LineCounter): YAMLError[] {
  const byLine = new Map<number, YAMLError>();
  for (const fault of faults) {
    const { line } = lineCounter.linePos(fault.pos[0]);
    if (!byLine.has(line)) byLine.set(line, fault);
  }
  return [...byLine.values()];
}

/** `pools[0].name` -> `pools[].name`. */
function shapeOf(key: string): string {
  return key.replace(/\[\d+\]/g, '[]');
}

/** Returns a hint for an unknown name in a section: a similar key, or all keys of the section. */
function knownKeys(section: string, name: string): string {
  const prefix = section === '' ? '' : `${shapeOf(section)}.`;
  const siblings = [...sections, ...listKeys, ...readable.keys()]
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length))
    .filter((rest) => !rest.includes('.') && !rest.endsWith('[]'));
  const sibling = nearest(name, siblings);
  if (sibling !== undefined) return `did you mean ${prefix}${sibling}?`;
  const elsewhere = [...readable.keys()].find((key) => key.endsWith(`.${name}`));
  if (elsewhere !== undefined) return `did you mean ${elsewhere}?`;
  return `expected one of ${siblings.join(', ')}`;
}
