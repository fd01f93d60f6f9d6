import { masked } from './masked.ts';

/** Refused text as messages show it: short and without secrets. */
export function quoted(text: string): string {
  if (text.length > 1000) return `a text of ${text.length} characters`;
  // Credentials may precede an @ even where the rest is no URL.
  const safe = masked(text.replace(/(https?:\/\/)?\S*@/gi, '$1***@'));
  return JSON.stringify(safe.length > 80 ? `${safe.slice(0, 80)}...` : safe);
}
