import { masked } from './masked.ts';

/** Quotes a refused text for messages: at most 80 characters, without secrets. */
export function quoted(text: string): string {
  if (text.length > 1000) return `a text of ${text.length} characters`;
  // Text before an @ may be credentials, even if the rest is not a URL.
  const safe = masked(text.replace(/(https?:\/\/)?\S*@/gi, '$1***@'));
  return JSON.stringify(safe.length > 80 ? `${safe.slice(0, 80)}...` : safe);
}
