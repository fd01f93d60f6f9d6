/** Types of what is plain JavaScript for the benchmark, which runs without a build. */
export function nginxArguments(folder: string, http: string): string[];
export function haproxyArguments(folder: string, rest: string): string[];
export function filledRecipe(
  balancer: 'nginx' | 'haproxy',
  port: number,
  proxies: ReadonlyArray<{ readonly port: number; readonly adminPort: number }>,
  recipe?: string,
): string;
