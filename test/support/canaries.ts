/**
 * What clients entrust to the proxy stands in every test: tokens begin with `cwt=`, people have
 * addresses, and cookies and bodies are noted when they are sent. Whatever the proxy of a test wrote or
 * showed is searched for them when the test is over.
 */
const canary = /cwt(?:=|%3d)[\w-]+|bearer [\w=-]+|[\w.-]+(?:@|%40)[\w.-]+/gi;

/** Cookies, and how bodies begin. */
const entrusted = new Set<string>();
/** Shorter ones could stand anywhere. */
const leastLength = 12;
const mostLength = 64;
const mostKept = 500;

/** Notes a cookie or a body that a client sends. */
export function entrust(sent: string | Buffer | undefined): void {
  const start = sent?.toString('latin1').slice(0, mostLength) ?? '';
  if (start.length >= leastLength && entrusted.size < mostKept) entrusted.add(start);
}

export function secretsIn(text: string): readonly string[] {
  const sent = Array.from(entrusted).filter((secret) => text.includes(secret));
  return [...(text.match(canary) ?? []), ...sent];
}

/** Fails the test in which something was shown that must not be. */
export function assertNothingShown(where: string, texts: Iterable<string>): void {
  for (const text of texts) {
    const shown = secretsIn(text);
    if (shown.length > 0) throw new Error(`${where} shows ${shown.join(' ')}`);
  }
}
