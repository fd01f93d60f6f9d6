/**
 * @typedef {object} Head
 * @property {number} status
 * @property {number} bodyFrom
 * @property {number} length of the whole message
 */

/**
 * Reads the head of an HTTP/1.1 answer that states its length. The reader is small, so that the
 * load generator is never the bottleneck.
 *
 * @param {string} bytes received so far, each character one byte
 * @returns {Head | undefined} `undefined`: the head is not complete
 * @throws {Error} if the bytes are not such an answer
 */
export function readHead(bytes) {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const head = bytes.slice(0, headEnd);
  const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1];
  if (status === undefined) throw new Error(`not an answer: ${head.slice(0, 80)}`);
  const bodyLength = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (bodyLength === undefined) throw new Error(`an answer without its length: ${head}`);
  const bodyFrom = headEnd + 4;
  return { status: Number(status), bodyFrom, length: bodyFrom + Number(bodyLength) };
}
