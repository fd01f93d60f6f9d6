/** Success as UCWA has it, and the errors that its documentation lists; the rest is `other`. */
const known = [
  200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 428, 429, 500, 502,
  503, 504,
];

const labels = new Map(known.map((status) => [status, String(status)]));

/** Every value that `codeLabel` gives. */
export const codeLabels: readonly string[] = [...labels.values(), 'other'];

/** An HTTP status as a label from a closed set. */
export function codeLabel(status: number): string {
  return labels.get(status) ?? 'other';
}
