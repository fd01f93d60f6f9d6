/** SIGHUP, which asks a program to read its settings again. Without a listener it would end the process. */
export interface Hangups {
  /** Calls the function at each SIGHUP from now on, and at once if one came before the first function was set. */
  listen(hangup: () => void): void;
}

/** Catches SIGHUP until the process ends. */
export function catchHangups(): Hangups {
  let isPending = false;
  let onHangup: () => void = () => (isPending = true);
  process.on('SIGHUP', () => onHangup());
  return {
    listen(hangup) {
      onHangup = hangup;
      if (isPending) hangup();
      isPending = false;
    },
  };
}
