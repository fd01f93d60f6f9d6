/**
 * Replaces possible secrets in a text by `***`, for messages: PEM data, and the credentials, query and
 * fragment of a URL. No valid setting contains a secret, but people sometimes paste one by mistake.
 */
export function masked(text: string): string {
  return text
    .replace(/-----BEGIN[^]*/, '*** (PEM data)')
    .replace(/:\/\/\S*@/g, '://***@')
    .replace(/(:\/\/[^?#\s]*[?#])\S+/g, '$1***');
}
