/** Statuses of UCWA: successes, and the errors that its documentation lists. */
const known = [
  200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 428, 429, 500, 502,
  503, 504,
];

const labels = new Map(known.map((status) => [status, String(status)]));

/** All values that `codeLabel` returns. */
export const codeLabels: readonly string[] = [...labels.values(), 'other'];

/** Returns the label for an HTTP status, which is `other` for a status that UCWA does not use. */
export function codeLabel(status: number): string {
  return labels.get(status) ?? 'other';
}
