/** How an answer of the event channel relates to an operation with a POST under way. */
import { type EventNames, isBelow } from '../ucwa/event-names.ts';

/** An operation with a POST under way. */
export interface OperationFacts {
  /** The ids that the client sent. */
  readonly ids: ReadonlySet<string>;
  /** Whether `ids` has all ids of the POST: its body is read. */
  readonly hasAllIds: boolean;
  /** Path of the POST; see `resourcePath`. */
  readonly path: string | undefined;
  /** Whether the POST may have left for the pool. Before that it has no events. */
  readonly isSent: () => boolean;
  /** Whether the pool has answered the POST. */
  readonly isAnswered: boolean;
  /** Path of the `Location` of the answer. */
  readonly location: string | undefined;
}

/**
 * - `named`: an event names the id of the operation, or the resource that the answer names.
 * - `likely`: a new resource appears below the resource of the POST. In UCWA `Location` leads there.
 * - `possible`: a new resource appears elsewhere.
 */
export type Relation = 'named' | 'likely' | 'possible';

/** What is known about the operations of the same application. */
export interface Others {
  /** The ids of all open operations. */
  readonly ids: ReadonlySet<string>;
  /** Whether the resource belongs to an operation that was answered before. */
  hasLocation(path: string): boolean;
}

/** Returns `undefined` if no event of the answer can belong to the operation. */
export function relationOf(
  operation: OperationFacts,
  names: EventNames,
  others: Others,
): Relation | undefined {
  const { ids, hasAllIds, path, isSent, isAnswered, location } = operation;
  for (const id of ids) if (names.operationIds.has(id)) return 'named';
  if (!isSent()) return undefined;
  if (isAnswered) return isNamed(names, location) ? 'named' : undefined;
  let relation: Relation | undefined;
  for (const started of names.started) {
    if (started.isIncoming || others.hasLocation(started.path)) continue;
    // The pool repeats the id of the client. If the client sent one, an event with another id is another's.
    const isForeign =
      hasAllIds && ids.size > 0
        ? started.operationIds.length > 0
        : started.operationIds.some((id) => others.ids.has(id));
    if (isForeign) continue;
    if (path !== undefined && isBelow(started.path, path)) return 'likely';
    relation = 'possible';
  }
  return relation;
}

function isNamed(names: EventNames, location: string | undefined): boolean {
  return location !== undefined && names.hasResource(location);
}
