/**
 * Replaces possible secrets in a text by `***`, for messages: PEM data, and the credentials, query and fragment
 * of a URL. People sometimes paste a secret by mistake. The settings also refuse a value that this function
 * would change.
 */
export function masked(text: string): string {
  return text
    .replace(/-----BEGIN[^]*/, '*** (PEM data)')
    .replace(/:\/\/\S*@/g, '://***@')
    .replace(/(:\/\/[^?#\s]*[?#])\S+/g, '$1***');
}
