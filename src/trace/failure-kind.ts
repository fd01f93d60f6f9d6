const codeOfSystem = /^[A-Z][A-Z0-9_]{1,40}$/;

/** Returns the kind of a failed export: a status, or a code of the system. A message may quote the collector. */
export function failureKind(error: unknown): string {
  if (!(error instanceof Error)) return 'unavailable';
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'number') return `status ${code}`;
  if (typeof code === 'string' && codeOfSystem.test(code)) return code;
  return error.message === 'Request timed out' ? 'timeout' : 'unavailable';
}
