/** SIGTERM and SIGINT that the program handles itself. */
export interface Signals {
  /** Resolves at the first signal. */
  readonly first: Promise<void>;
  /** Resolves at the second signal, which asks for an immediate end. */
  readonly second: Promise<void>;
  /** Restores the default handling of signals. */
  release(): void;
}

/** Starts to catch signals. Call it before the program reports that it runs, and so can be stopped. */
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
