/**
 * Secrets that clients send in tests: tokens that begin with `cwt=`, addresses of people, cookies
 * and bodies. After each test its log, its metrics and the proxy's own answers are searched for
 * these secrets.
 */
const canary = /cwt(?:=|%3d)[\w-]+|bearer [\w=-]+|(?<![\w.-])[\w.-]+(?:@|%40)[\w.-]+/gi;

/** Cookies, and the beginnings of bodies, that clients sent. */
const entrusted = new Set<string>();
/** Shorter texts could occur anywhere by chance. */
const leastLength = 12;
const mostLength = 64;
const mostKept = 500;

/** Remembers a cookie or a body that a client sends. */
export function entrust(sent: string | Buffer | undefined): void {
  const start = sent?.toString('latin1').slice(0, mostLength) ?? '';
  if (start.length >= leastLength && entrusted.size < mostKept) entrusted.add(start);
}

export function secretsIn(text: string): readonly string[] {
  const sent = Array.from(entrusted).filter((secret) => text.includes(secret));
  return [...(text.match(canary) ?? []), ...sent];
}

/** Throws if one of the texts contains a secret. */
export function assertNothingShown(where: string, texts: Iterable<string>): void {
  for (const text of texts) {
    const shown = secretsIn(text);
    if (shown.length > 0) throw new Error(`${where} shows ${shown.join(' ')}`);
  }
}
