/**
 * The boundary of a batch's answer. It is the pool's own, never the one that we sent.
 */

/** A parameter of a media type, quoted (with backslash escapes) or a bare token. */
const parameter =
  /;[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))/g;

/** 1 to 70 characters, the last not a blank (RFC 2046 section 5.1.1). */
const legalBoundary = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;

/**
 * The boundary that the `Content-Type` of a batch's answer names; `undefined` when it is not
 * `multipart/batching` or names none that is legal.
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
