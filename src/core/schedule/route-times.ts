/**
 * How long routes usually take: the median of the last answers, alone or in batches that were not
 * late, by route template. Bounded; what has not been asked for in a long while is forgotten.
 */
import { routeTemplate } from '../admit/route-template.ts';
import type { Call } from './call.ts';

const keptSamples = 15;
const enough = 3;
const maxTemplates = 512;
const maxPaths = 4096;

class RouteTime {
  readonly #samplesMs: number[] = [];
  #next = 0;

  add(ms: number): void {
    this.#samplesMs[this.#next] = ms;
    this.#next = (this.#next + 1) % keptSamples;
  }

  /** `undefined`: not known yet. */
  get medianMs(): number | undefined {
    if (this.#samplesMs.length < enough) return undefined;
    const sorted = this.#samplesMs.toSorted((a, b) => a - b);
    return sorted[sorted.length >> 1];
  }
}

export class RouteTimes<T> {
  readonly #templates = new Map<string, RouteTime>();
  /** By path below the application, so that most calls need no template. */
  readonly #paths = new Map<string, RouteTime>();

  add(call: Call<T>, ms: number): void {
    this.#of(call).add(ms);
  }

  usualMs(call: Call<T>): number | undefined {
    return this.#of(call).medianMs;
  }

  #of(call: Call<T>): RouteTime {
    const path = call.resource.slice(call.key.applicationPath.length);
    let time = this.#paths.get(path);
    if (time !== undefined) return time;
    const template = routeTemplate(path);
    time = this.#templates.get(template) ?? new RouteTime();
    keep(this.#templates, template, time, maxTemplates);
    keep(this.#paths, path, time, maxPaths);
    return time;
  }
}

function keep(map: Map<string, RouteTime>, name: string, time: RouteTime, most: number): void {
  if (map.size >= most) {
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
  map.set(name, time);
}
