/**
 * The text without what may be a secret, for messages. No setting holds a secret: keys and
 * certificates are named by path, and a text that masking would change is refused. But people
 * paste things: PEM data and the credentials, queries and fragments of URLs become `***`.
 */
export function masked(text: string): string {
  return text
    .replace(/-----BEGIN[^]*/, '*** (PEM data)')
    .replace(/:\/\/\S*@/g, '://***@')
    .replace(/(:\/\/[^?#\s]*[?#])\S+/g, '$1***');
}
