/** Header fields as names and values in turn, in the order and spelling of the wire. */
export type FlatHeaders = readonly string[];

/** Returns the values of all fields with this name. The name must be in lower case. */
export function headerValues(headers: FlatHeaders, lowerCaseName: string): string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === lowerCaseName);
}

/** Returns the value of the first field with this name. The name must be in lower case. */
export function headerValue(headers: FlatHeaders, lowerCaseName: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === lowerCaseName) return headers[i + 1];
  }
  return undefined;
}
