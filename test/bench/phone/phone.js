/** A phone: TLS, and either six connections of HTTP/1.1 or one of HTTP/2. It accepts gzip. */
import { Agent, request } from 'node:https';
import { connect } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { gunzipSync } from 'node:zlib';

/** Most connections that a browser opens to one host. */
const http1Connections = 6;

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {Record<string, string | string[] | undefined>} headers
 * @property {string} text
 */

/**
 * @typedef {object} Call
 * @property {string} [method] by default GET
 * @property {Record<string, string>} fields
 * @property {string} [body]
 */

/**
 * @typedef {object} Phone
 * @property {(path: string, call: Call) => Promise<Answer>} ask
 * @property {() => void} close
 */

/** An agent that leaves the decision when an idle connection ends to the server. */
class PatientAgent extends Agent {
  /** @param {import('node:tls').TLSSocket} socket */
  keepSocketAlive(socket) {
    socket.setTimeout(0);
    return true;
  }
}

/**
 * @param {string} url
 * @param {Buffer} ca
 * @returns {Phone}
 */
export function http1Phone(url, ca) {
  const { hostname, port } = new URL(url);
  const agent = new PatientAgent({ keepAlive: true, maxSockets: http1Connections, ca });
  return {
    close: () => agent.destroy(),
    ask: (path, { method = 'GET', fields, body }) =>
      new Promise((resolve, reject) => {
        const headers = withLength(fields, body);
        const sent = request({ agent, hostname, port, method, path, headers }, (answer) => {
          collect(answer, (bytes) => {
            const { statusCode: status = 0, headers: received } = answer;
            resolve({ status, headers: received, text: textOf(bytes, received) });
          });
          answer.on('error', reject);
        });
        sent.on('error', reject);
        sent.end(body);
      }),
  };
}

/**
 * @param {string} url
 * @param {Buffer} ca
 * @returns {Phone}
 */
export function http2Phone(url, ca) {
  /** @type {{ session: import('node:http2').ClientHttp2Session, broken: Promise<never> } | undefined} */
  let opened;
  // The phone connects when it has something to ask, as an agent of HTTP/1.1 does.
  const open = () => {
    const session = connect(url, { ca });
    const broken = new Promise((_, reject) => session.once('error', reject));
    broken.catch(() => undefined);
    return { session, broken };
  };
  /** @type {Phone['ask']} */
  const ask = (path, { method = 'GET', fields, body }) =>
    new Promise((resolve, reject) => {
      opened ??= open();
      opened.broken.catch(reject);
      const head = { ':method': method, ':path': path, ...withLength(fields, body) };
      const stream = opened.session.request(head, { endStream: body === undefined });
      if (body !== undefined) stream.end(body);
      /** @type {import('node:http2').IncomingHttpHeaders & { ':status'?: number }} */
      let headers = {};
      stream.on('response', (received) => (headers = received));
      stream.on('error', reject);
      stream.on('close', () => reject(new Error(`${path}: the stream closed, ${stream.rstCode}`)));
      collect(stream, (bytes) =>
        resolve({ status: headers[':status'] ?? 0, headers, text: textOf(bytes, headers) }),
      );
    });
  return { ask, close: () => opened?.session.destroy() };
}

/**
 * @param {string} url
 * @param {Buffer} ca
 * @returns {Promise<boolean>} whether the server speaks HTTP/2
 */
export function offersHttp2(url, ca) {
  const { hostname, port } = new URL(url);
  const socket = connectTls({
    host: hostname,
    port: Number(port),
    ca,
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      resolve(socket.alpnProtocol === 'h2');
      socket.destroy();
    });
  });
}

/**
 * @param {Record<string, string>} fields
 * @param {string | undefined} body
 */
function withLength(fields, body) {
  return body === undefined
    ? fields
    : { ...fields, 'content-length': String(Buffer.byteLength(body)) };
}

/**
 * @param {NodeJS.ReadableStream} stream
 * @param {(bytes: Buffer) => void} whole
 */
function collect(stream, whole) {
  /** @type {Buffer[]} */
  const chunks = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('end', () => whole(Buffer.concat(chunks)));
}

/**
 * @param {Buffer} bytes
 * @param {Answer['headers']} headers
 * @returns {string}
 */
function textOf(bytes, headers) {
  const coding = headers['content-encoding'];
  if (coding === undefined) return bytes.toString();
  if (coding !== 'gzip') throw new Error(`the coding ${coding} was not asked for`);
  return gunzipSync(bytes).toString();
}
