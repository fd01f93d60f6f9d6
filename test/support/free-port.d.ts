/** Types of what is plain JavaScript for the benchmark, which runs without a build. */
export function freePort(): Promise<number>;
