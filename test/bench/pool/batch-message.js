/**
 * Both directions of `multipart/batching` as real servers speak it: requests with a CRLF before the
 * first delimiter and a bare boundary; answers without preamble, the boundary quoted in the head,
 * one field a part, and no length anywhere in a part.
 */

const requestPart = '\r\nContent-Type: application/http; msgtype=request\r\n\r\n';
const requestLine = /^GET (\/\S*) HTTP\/1\.1\r\n/;

/**
 * @param {string} contentType of the envelope
 * @param {string} body
 * @returns {string[]} what its parts GET, in order
 * @throws {Error} when it is not in the shape that clients send
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
