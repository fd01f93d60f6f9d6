/**
 * What clients entrust to the proxy stands in every test: tokens begin with `cwt=`, people have
 * addresses. Whatever the proxy of a test wrote or showed is searched for them when the test is over.
 */
const canary = /cwt(?:=|%3d)[\w-]+|bearer [\w=-]+|[\w.-]+(?:@|%40)[\w.-]+/gi;

export function secretsIn(text: string): readonly string[] {
  return text.match(canary) ?? [];
}

/** Fails the test in which something was shown that must not be. */
export function assertNothingShown(where: string, texts: Iterable<string>): void {
  for (const text of texts) {
    const shown = secretsIn(text);
    if (shown.length > 0) throw new Error(`${where} shows ${shown.join(' ')}`);
  }
}
