/**
 * Parses the body of a batch request strictly, on bytes. A mistake that a real server might accept is
 * an error here, so that tests find it. Grammar: RFC 2046 section 5.1.1 and RFC 9112.
 *
 * These variations are allowed, because real clients send them (captures of 2013 and 2015):
 *
 * - a boundary with or without quotes
 * - CRLFs before the first delimiter, and no CRLF after the close delimiter
 * - part fields `Content-Length` (ignored) and `Content-Transfer-Encoding` beside `Content-Type`
 * - CRLFs after a body that has a Content-Length
 */
import { type FlatHeaders, headerValues } from '../representation/headers.ts';
import type { ReceivedPart } from '../pool/request-log.ts';

/** A body is not a valid batch; the message has the reason and the part. */
export class BatchSyntaxError extends Error {
  override readonly name = 'BatchSyntaxError';
}

const crlf = Buffer.from('\r\n');
const blankLine = Buffer.from('\r\n\r\n');

/**
 * Returns the boundary of a `multipart/batching` content type, or undefined for another type.
 *
 * @throws BatchSyntaxError if the type has no valid boundary
 */
export function batchBoundary(contentType: string): string | undefined {
  if (!/^multipart\/batching\s*(;|$)/i.test(contentType)) return undefined;
  const parameter = /;\s*boundary=(?:"([^"]*)"|([^\s;"]*))\s*(?:;|$)/i.exec(contentType);
  const boundary = parameter?.[1] ?? parameter?.[2] ?? '';
  if (!/^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/.test(boundary)) {
    throw new BatchSyntaxError('the content type names no usable boundary');
  }
  return boundary;
}

/** Returns the bytes between each two delimiters. */
function splitAtDelimiters(body: Buffer, boundary: string): Buffer[] {
  const dashBoundary = Buffer.from(`--${boundary}`, 'latin1');
  let at = 0;
  while (body.subarray(at, at + 2).equals(crlf)) at += 2;
  if (!body.subarray(at, at + dashBoundary.length).equals(dashBoundary)) {
    throw new BatchSyntaxError('the body does not begin with its delimiter');
  }
  const delimiter = Buffer.concat([crlf, dashBoundary]);
  const pieces: Buffer[] = [];
  at += dashBoundary.length;
  for (;;) {
    const after = body.toString('latin1', at, at + 2);
    if (after === '--') break;
    if (after !== '\r\n')
      throw new BatchSyntaxError(`delimiter ${pieces.length} does not end its line`);
    // For an empty part, one CRLF ends the previous delimiter and also begins the next delimiter.
    const end = body.indexOf(delimiter, at);
    if (end === -1) throw new BatchSyntaxError('the close delimiter is missing');
    pieces.push(body.subarray(at + 2, Math.max(end, at + 2)));
    at = end + delimiter.length;
  }
  const epilogue = body.toString('latin1', at + 2);
  if (epilogue !== '' && epilogue !== '\r\n') {
    throw new BatchSyntaxError('something follows the close delimiter');
  }
  if (pieces.length === 0) throw new BatchSyntaxError('the batch has no part');
  return pieces;
}

/** Parses header lines to names and values in turn. `lines` has no blank line. */
function parseFields(lines: readonly string[], where: string): string[] {
  return lines.flatMap((line) => {
    const field = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line);
    if (!field) throw new BatchSyntaxError(`${where} has a malformed field`);
    return [field[1] ?? '', field[2] ?? ''];
  });
}

/** Splits bytes at the first blank line into a head and the rest. */
function splitHead(bytes: Buffer, where: string): { head: string; lines: string[]; rest: Buffer } {
  const end = bytes.indexOf(blankLine);
  if (end === -1) throw new BatchSyntaxError(`${where} has no blank line after its head`);
  const head = bytes.toString('latin1', 0, end);
  return { head, lines: head.split('\r\n'), rest: bytes.subarray(end + blankLine.length) };
}

function checkMimeFields(fields: FlatHeaders, where: string): void {
  const [type = '', ...moreTypes] = headerValues(fields, 'content-type');
  if (moreTypes.length > 0 || !/^application\/http\s*;\s*msgtype=request$/i.test(type)) {
    throw new BatchSyntaxError(`${where} is not of type application/http; msgtype=request`);
  }
  for (const name of fields.filter((_, i) => i % 2 === 0)) {
    if (!/^content-(type|length|transfer-encoding)$/i.test(name)) {
      throw new BatchSyntaxError(`${where} has an unexpected field of the multipart head`);
    }
  }
}

function cutBody(rest: Buffer, headers: FlatHeaders, where: string): Buffer {
  if (headerValues(headers, 'transfer-encoding').length > 0) {
    throw new BatchSyntaxError(`${where} has a Transfer-Encoding`);
  }
  const lengths = headerValues(headers, 'content-length');
  if (lengths.length > 1 || !/^\d{1,9}$/.test(lengths[0] ?? '0')) {
    throw new BatchSyntaxError(`${where} has a bad Content-Length`);
  }
  const length = Number(lengths[0] ?? 0);
  if (rest.length < length)
    throw new BatchSyntaxError(`${where} is shorter than its Content-Length`);
  if (!/^(\r\n)*$/.test(rest.toString('latin1', length))) {
    throw new BatchSyntaxError(`${where} is longer than its Content-Length`);
  }
  return rest.subarray(0, length);
}

function parsePart(piece: Buffer, where: string): ReceivedPart {
  const mime = splitHead(piece, where);
  checkMimeFields(parseFields(mime.lines, where), where);
  const message = splitHead(mime.rest, where);
  const [requestLine = '', ...fieldLines] = message.lines;
  const request = /^([A-Z]+) ([\x21-\x7e]+) HTTP\/1\.1$/.exec(requestLine);
  if (!request) throw new BatchSyntaxError(`${where} has a malformed request line`);
  const headers = parseFields(fieldLines, where);
  return {
    mimeHead: mime.head,
    head: message.head,
    method: request[1] ?? '',
    target: request[2] ?? '',
    headers,
    body: cutBody(message.rest, headers, where),
  };
}

/**
 * Returns the requests in the body of a batch.
 *
 * @throws BatchSyntaxError if any byte does not fit the grammar
 */
export function parseBatch(body: Buffer, boundary: string): ReceivedPart[] {
  return splitAtDelimiters(body, boundary).map((piece, i) => parsePart(piece, `part ${i}`));
}
