import type { Caller } from '../../src/engine/caller.ts';

/** A caller that accepts any answer and does nothing. */
export const silentCaller = (): Caller => ({
  onlyXml: false,
  takesCodings: true,
  answer: () => undefined,
  begin: () => undefined,
  write: () => true,
  end: () => undefined,
  cutReader: () => undefined,
  cut: () => undefined,
  onDrained: undefined,
});
