/** The wait times of a call between its last queueing and its dispatch, in ms. */
export interface WaitTimes {
  /** The wait for companions; `undefined` for a retry or a hedged request, because it was counted before. */
  readonly hold: number | undefined;
  readonly order: number;
  readonly pause: number;
  readonly limit: number;
  readonly slots: number;
}
