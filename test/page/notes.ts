import type { EndNote, PartNote, SentNote } from '../../src/page/notes.ts';

export function part(route = '/me', calls: PartNote['calls'] = [call()]): PartNote {
  return { method: 'GET', route, isSlow: false, calls };
}

export function call(holdMs = 2, queueMs = 0, attempts = 1): PartNote['calls'][number] {
  return { arrivedAtMs: 0, holdMs, queueMs, attempts };
}

/** A request that is sent at 1000 ms. */
export function sent(facts: Partial<SentNote> = {}): SentNote {
  const parts = facts.parts ?? [part(), part('/people')];
  return {
    ...{ key: '0-1', id: 1, user: '0a1b2c3d', kind: 'batch', flush: 'idle', atMs: 1000 },
    ...{ outstanding: parts.length, parts },
    ...facts,
  };
}

/** The end of that request, 40 ms later. */
export function end(facts: Partial<EndNote> = {}): EndNote {
  return {
    ...{ key: '0-1', user: '0a1b2c3d', atMs: 1040, status: 0, fault: '' },
    ...{ wasRefused: false, wasLate: false, goesBack: [false, false], outstanding: 0 },
    ...{ limit: 20, isLimitMet: false, pausedUntilMs: -Infinity },
    ...facts,
  };
}
