import type { Caller } from '../../src/engine/caller.ts';

/** A caller who takes what comes, and says nothing. */
export const silentCaller = (): Caller => ({
  onlyXml: false,
  explain: false,
  takesCodings: true,
  answer: () => undefined,
  begin: () => undefined,
  write: () => true,
  end: () => undefined,
  cutReader: () => undefined,
  cut: () => undefined,
  onDrained: undefined,
});
