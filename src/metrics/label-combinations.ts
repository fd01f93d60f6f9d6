/**
 * Returns every combination of label values; without labels, one empty combination. A counter starts at 0 for
 * each of them.
 */
export function combinations<L extends string>(
  labels: Record<L, readonly string[]>,
): Array<Record<L, string>> {
  let rows: Array<Record<string, string>> = [{}];
  for (const [label, values] of Object.entries<readonly string[]>(labels)) {
    rows = rows.flatMap((row) => values.map((value) => ({ ...row, [label]: value })));
  }
  return rows;
}
