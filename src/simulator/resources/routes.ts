/** Finds the route of a call by its path below the application. */
import type { Route } from './call.ts';

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

function match(
  template: readonly string[],
  path: readonly string[],
): RouteMatch['params'] | undefined {
  if (template.length !== path.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, expected] of template.entries()) {
    const actual = path[i] ?? '';
    if (expected.startsWith('{')) params[expected.slice(1, -1)] = actual;
    // The pool's web server ignores letter case in paths.
    else if (expected.toLowerCase() !== actual.toLowerCase()) return undefined;
  }
  return params;
}

export class Routes {
  readonly #routes: ReadonlyArray<{ readonly route: Route; readonly template: readonly string[] }>;

  /** @param routes if several routes match, the first one is used */
  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({
      route,
      template: route.template === '' ? [] : route.template.split('/'),
    }));
  }

  /** @param path decoded segments below the application */
  find(path: readonly string[]): RouteMatch | undefined {
    for (const { route, template } of this.#routes) {
      const params = match(template, path);
      if (params) return { route, params };
    }
    return undefined;
  }
}
