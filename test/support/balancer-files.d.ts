/**
 * Types of a JavaScript file. The file is JavaScript because the benchmark runs without a build.
 */
export function nginxArguments(folder: string, http: string): string[];
export function haproxyArguments(folder: string, rest: string): string[];
export function filledRecipe(
  balancer: 'nginx' | 'haproxy',
  port: number,
  proxies: ReadonlyArray<{ readonly port: number; readonly adminPort: number }>,
  recipe?: string,
): string;
