/** SIGTERM and SIGINT, caught from now on. */
export interface Signals {
  readonly first: Promise<void>;
  /** Whoever signals again does not want to wait. */
  readonly second: Promise<void>;
  /** Leaves signals to the system again. */
  release(): void;
}

/** To be called before anything says that the program runs: from then on it may be stopped. */
export function catchSignals(): Signals {
  let signals = 0;
  let onFirst: () => void = () => undefined;
  let onSecond: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (onFirst = resolve));
  const second = new Promise<void>((resolve) => (onSecond = resolve));
  const onSignal = (): void => {
    signals += 1;
    if (signals === 1) onFirst();
    else onSecond();
  };
  const names = ['SIGTERM', 'SIGINT'] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    first,
    second,
    release() {
      for (const name of names) process.removeListener(name, onSignal);
    },
  };
}
