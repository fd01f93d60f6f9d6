/** Explores all states of a `ConnectionModel`. */
import { ConnectionModel } from './connection-model.ts';
import type { Event, Planted, Wrong } from './connection-world.ts';

interface Explored {
  readonly states: number;
  /** The shortest path to each kind of fault. */
  readonly wrong: ReadonlyMap<Wrong, readonly Event[]>;
}

interface Reached {
  readonly model: ConnectionModel;
  readonly last: Step | undefined;
}

interface Step {
  readonly event: Event;
  readonly before: Step | undefined;
}

interface Bounds {
  readonly depth?: number;
  /** The search ends when this fault is found. */
  readonly until?: Wrong;
}

/**
 * Explores, breadth first, each state that at most `depth` events can lead to. Each state is visited once.
 */
export function explore(planted: Planted, { depth = Infinity, until }: Bounds = {}): Explored {
  const seen = new Set<string>();
  const wrong = new Map<Wrong, readonly Event[]>();
  let reached: Reached[] = [{ model: new ConnectionModel(planted), last: undefined }];
  for (let step = 0; step < depth && reached.length > 0; step += 1) {
    const next: Reached[] = [];
    for (const { model, last } of reached) {
      for (const event of model.events()) {
        const after = model.copy();
        const found = after.apply(event);
        if (found !== undefined) {
          if (!wrong.has(found)) wrong.set(found, pathTo({ event, before: last }));
          if (found === until) return { states: seen.size, wrong };
          continue;
        }
        const digest = after.digest();
        if (seen.has(digest)) continue;
        seen.add(digest);
        next.push({ model: after, last: { event, before: last } });
      }
    }
    reached = next;
  }
  return { states: seen.size, wrong };
}

function pathTo(last: Step): Event[] {
  const path = [];
  for (let step: Step | undefined = last; step !== undefined; step = step.before) {
    path.unshift(step.event);
  }
  return path;
}
