/** The learned state of idle users, in an lru-cache. All engines of the process share it. */
import { LRUCache } from 'lru-cache';
import { newTotals } from '../core/schedule/process-totals.ts';
import type { LearnedState, UserMemory } from '../core/schedule/state.ts';

export function createUserMemory(options: {
  readonly maxUsers: number;
  readonly idleMs: number;
}): UserMemory {
  const cache = new LRUCache<string, LearnedState>({
    // With `max`, lru-cache would allocate memory for all users at the start.
    maxSize: options.maxUsers,
    sizeCalculation: () => 1,
    ttl: options.idleMs,
  });
  return {
    totals: newTotals(),
    get size() {
      return cache.size;
    },
    take: (name) => cache.get(name),
    keep: (name, learned) => void cache.set(name, learned),
  };
}
