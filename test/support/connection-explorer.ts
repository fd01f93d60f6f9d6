/** Explores all states of a `ConnectionModel`. */
import { ConnectionModel, type Event, type Planted, type Wrong } from './connection-model.ts';

interface Explored {
  readonly states: number;
  /** The shortest sequence of events that leads to each kind of fault. */
  readonly wrong: ReadonlyMap<Wrong, readonly Event[]>;
}

/**
 * Explores, breadth first, each state that at most `depth` events can lead to. Each state is
 * visited once.
 */
export function explore(planted: Planted, depth = Infinity): Explored {
  const seen = new Set<string>();
  const wrong = new Map<Wrong, readonly Event[]>();
  let paths: ReadonlyArray<readonly Event[]> = [[]];
  for (let step = 0; step < depth && paths.length > 0; step += 1) {
    const longer: Array<readonly Event[]> = [];
    for (const path of paths) {
      for (const event of replayed(planted, path).events()) {
        const model = replayed(planted, path);
        const found = model.apply(event);
        const whole = [...path, event];
        if (found !== undefined) {
          if (!wrong.has(found)) wrong.set(found, whole);
          continue;
        }
        const digest = model.digest();
        if (seen.has(digest)) continue;
        seen.add(digest);
        longer.push(whole);
      }
    }
    paths = longer;
  }
  return { states: seen.size, wrong };
}

function replayed(planted: Planted, path: readonly Event[]): ConnectionModel {
  const model = new ConnectionModel(planted);
  for (const event of path) model.apply(event);
  return model;
}
