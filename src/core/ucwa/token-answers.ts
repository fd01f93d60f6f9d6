/** Answers of the token service. They repeat text of the request beside a secret, so the proxy never codes them. */

const ofTokenService = /webticket|oauthtoken/i;

/** Whether the answer to a request with this target can have a token. Percent-encoded forms count too. */
export function mayHaveToken(target: string): boolean {
  const decoded = target.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return ofTokenService.test(decoded) || ofTokenService.test(target);
}
