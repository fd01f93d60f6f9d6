/** The boundary of a batch response. The pool chooses its own; it does not repeat the boundary of the request. */

/** A parameter of a media type; its value is a quoted string with backslash escapes, or a token. */
const parameter =
  /;[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))/g;

/** 1 to 70 characters; the last one is not a blank (RFC 2046 section 5.1.1). */
const legalBoundary = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;

/**
 * Returns the boundary in the `Content-Type` of a batch response. Returns `undefined` if the media type is not
 * `multipart/batching`, or if the boundary is missing or illegal.
 */
export function batchingBoundary(contentType: string | undefined): string | undefined {
  if (contentType === undefined || !/^multipart\/batching[ \t]*(?:;|$)/i.test(contentType)) {
    return undefined;
  }
  parameter.lastIndex = 0;
  for (let match = parameter.exec(contentType); match; match = parameter.exec(contentType)) {
    const [, name, quoted, bare] = match;
    if (name?.toLowerCase() !== 'boundary') continue;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '';
    return legalBoundary.test(value) ? value : undefined;
  }
  return undefined;
}
