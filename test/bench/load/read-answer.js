/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {string} body each character one byte
 * @property {number} length of the whole message
 */

/**
 * Reads one HTTP/1.1 answer that states its length: a reader so small that the load generator is
 * never what is measured.
 *
 * @param {string} bytes what came so far, each character one byte
 * @returns {Answer | undefined} `undefined`: more must come
 * @throws {Error} when it is no such answer
 */
export function readAnswer(bytes) {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const head = bytes.slice(0, headEnd);
  const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1];
  if (status === undefined) throw new Error(`not an answer: ${head.slice(0, 80)}`);
  const bodyLength = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (bodyLength === undefined) throw new Error(`an answer without its length: ${head}`);
  const length = headEnd + 4 + Number(bodyLength);
  if (bytes.length < length) return undefined;
  return { status: Number(status), body: bytes.slice(headEnd + 4, length), length };
}
