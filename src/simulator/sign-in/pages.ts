/** Pages of the web server in front of UCWA. */
import type { Outcome } from '../representation/outcome.ts';

export function page(status: number, html: string, headers: readonly string[] = []): Outcome {
  const bytes = Buffer.from(`<!DOCTYPE html><html><body>${html}</body></html>`);
  return { status, content: { kind: 'bytes', contentType: 'text/html', bytes }, headers };
}

/** Answer of IIS for an unknown path. */
export const nowhere = page(404, '<h2>404 - File or directory not found.</h2>');
