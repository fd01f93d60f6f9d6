/**
 * Reads and writes `multipart/batching` as real clients and servers do. A request has a CRLF before
 * the first delimiter and an unquoted boundary. An answer has no preamble, a quoted boundary, one
 * field per part, and no length in its parts.
 */

const requestPart = '\r\nContent-Type: application/http; msgtype=request\r\n\r\n';
const requestLine = /^GET (\/\S*) HTTP\/1\.1\r\n/;

/**
 * @param {string} contentType of the envelope
 * @param {string} body
 * @returns {string[]} the targets of its GETs, in order
 * @throws {Error} if it does not have the form that clients send
 */
export function readBatch(contentType, body) {
  const boundary = /^multipart\/batching;boundary=([\w-]+)$/.exec(contentType)?.[1];
  if (boundary === undefined) throw new Error(`not a batch: ${contentType}`);
  const pieces = body.split(`\r\n--${boundary}`);
  if (pieces.shift() !== '' || pieces.pop() !== '--\r\n') throw new Error('delimiters missing');
  return pieces.map((piece) => {
    const message = piece.startsWith(requestPart) ? piece.slice(requestPart.length) : '';
    const path = requestLine.exec(message)?.[1];
    if (path === undefined || !message.endsWith('\r\n\r\n')) throw new Error('not a GET in a part');
    return path;
  });
}

/**
 * @typedef {object} PartAnswer
 * @property {string} statusLine without `HTTP/1.1`
 * @property {string} body
 */

/**
 * @param {readonly PartAnswer[]} answers in order
 * @param {string} boundary
 * @returns {string}
 */
export function writeBatch(answers, boundary) {
  let text = '';
  for (const { statusLine, body } of answers) {
    text +=
      `--${boundary}\r\nContent-Type: application/http; msgtype=response\r\n\r\n` +
      `HTTP/1.1 ${statusLine}\r\nCache-Control: no-cache\r\n` +
      `Content-Type: application/json; charset=utf-8\r\n\r\n${body}\r\n`;
  }
  return `${text}--${boundary}--\r\n`;
}
