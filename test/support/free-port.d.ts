/**
 * Types of a JavaScript file. The file is JavaScript because the benchmark runs without a build.
 */
export function freePort(): Promise<number>;
